//! Lists the objects of a kind, page by page.

use kube::Error;
use kube::api::{Api, DynamicObject, ListParams};

use super::decode;
use super::kinds::is_metadata_only;
use crate::model::{Kind, Object};

const MAX_OBJECTS_PER_PAGE: u32 = 500;

/// All objects that the API server holds, whichever number of pages that takes.
pub(super) async fn list(api: &Api<DynamicObject>, kind: Kind) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(MAX_OBJECTS_PER_PAGE);
    loop {
        let next = if is_metadata_only(kind) {
            let list = api.list_metadata(&page).await?;
            objects.extend(
                list.items
                    .into_iter()
                    .map(|item| decode::object(kind, item)),
            );
            list.metadata.continue_
        } else {
            let list = api.list(&page).await?;
            objects.extend(
                list.items
                    .into_iter()
                    .map(|item| decode::object(kind, item)),
            );
            list.metadata.continue_
        };
        match next.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(objects),
        }
    }
}
