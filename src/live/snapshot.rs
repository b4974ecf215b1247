//! A live cluster as it is once, for those who do not stay.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, Error};

use super::decode;
use super::kinds::{ALWAYS, is_metadata_only, workloads};
use crate::api::discovery::{Discovery, is_absent};
use crate::cluster::{Cluster, Mesh};
use crate::model::{Kind, Object};

/// All objects of the kinds that are watched, as far as the rules read them.
///
/// # Errors
/// The kind that cannot be read, and why.
pub async fn snapshot(client: &Client, mesh: Mesh) -> Result<Cluster, (Kind, Error)> {
    let discovery = Discovery::new(client.clone());
    let mut cluster = Cluster::new(Mesh { live: true, ..mesh });
    enter(client, &discovery, &ALWAYS, &mut cluster).await?;
    let workloads = workloads(&cluster, cluster.keys());
    let workloads: Vec<Kind> = workloads.into_iter().collect();
    enter(client, &discovery, &workloads, &mut cluster).await?;
    Ok(cluster)
}

async fn enter(
    client: &Client,
    discovery: &Discovery,
    kinds: &[Kind],
    cluster: &mut Cluster,
) -> Result<(), (Kind, Error)> {
    let lists = stream::iter(kinds.to_vec())
        .map(async |kind| {
            let list = list(client, discovery, kind).await;
            list.map_err(|error| (kind, error))
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>();
    for object in lists.await?.into_iter().flatten() {
        cluster.apply(object);
    }
    Ok(())
}

/// A kind that is not served has no objects.
async fn list(client: &Client, discovery: &Discovery, kind: Kind) -> Result<Vec<Object>, Error> {
    let Some(resource) = discovery.look(kind).await? else {
        return Ok(Vec::new());
    };
    match pages(client, &resource, kind).await {
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        listed => listed,
    }
}

async fn pages(client: &Client, resource: &ApiResource, kind: Kind) -> Result<Vec<Object>, Error> {
    let api = Api::<DynamicObject>::all_with(client.clone(), resource);
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
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

const AT_ONCE: usize = 4;
/// In objects.
const PAGE: u32 = 500;
