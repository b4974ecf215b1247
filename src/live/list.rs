//! Lists the objects of a kind, page by page.

use kube::api::{Api, ApiResource, DynamicObject, ListParams, ObjectList};
use kube::{Error, Resource};
use serde::Serialize;

use super::decode;
use super::kinds::is_metadata_only;
use crate::model::{Kind, Object};

const MAX_OBJECTS_PER_PAGE: u32 = 500;

/// All objects that the API server holds, whichever number of pages that takes.
pub(super) async fn list(api: &Api<DynamicObject>, kind: Kind) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let mut page = ListParams::default()
        .limit(MAX_OBJECTS_PER_PAGE)
        .labels(kind.selector());
    loop {
        let next = if is_metadata_only(kind) {
            decode_page(kind, api.list_metadata(&page).await?, &mut objects)
        } else {
            decode_page(kind, api.list(&page).await?, &mut objects)
        };
        match next.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(objects),
        }
    }
}

/// Adds the objects of the page, and returns the token of the next one.
fn decode_page<K>(kind: Kind, page: ObjectList<K>, objects: &mut Vec<Object>) -> Option<String>
where
    K: Resource<DynamicType = ApiResource> + Clone + Serialize,
{
    let items = page.items.into_iter();
    objects.extend(items.map(|item| decode::object(kind, item)));
    page.metadata.continue_
}
