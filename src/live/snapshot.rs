//! Reads a live cluster once, without watches.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Api, DynamicObject};
use kube::{Client, Error};

use super::kinds::{from_start, workloads};
use super::list::list;
use crate::api::discovery::{Discovery, is_absent};
use crate::cluster::{Cluster, Mesh};
use crate::model::{Kind, Object};

const MAX_PARALLEL_LISTS: usize = 4;

/// All objects of the kinds that `serve` watches, with the fields that rules read.
///
/// # Errors
/// The kind that cannot be read, and why.
pub(super) async fn snapshot(client: &Client, mesh: Mesh) -> Result<Cluster, (Kind, Error)> {
    let discovery = Discovery::new(client.clone());
    let mut cluster = Cluster::new(Mesh { live: true, ..mesh });
    read(client, &discovery, from_start(), &mut cluster).await?;
    let workloads = workloads(&cluster, cluster.keys());
    read(client, &discovery, workloads, &mut cluster).await?;
    Ok(cluster)
}

async fn read(
    client: &Client,
    discovery: &Discovery,
    kinds: impl IntoIterator<Item = Kind>,
    cluster: &mut Cluster,
) -> Result<(), (Kind, Error)> {
    let lists = stream::iter(kinds)
        .map(async |kind| {
            let objects = objects(client, discovery, kind).await;
            objects.map_err(|error| (kind, error))
        })
        .buffered(MAX_PARALLEL_LISTS)
        .try_collect::<Vec<_>>();
    for object in lists.await?.into_iter().flatten() {
        cluster.apply(object);
    }
    Ok(())
}

/// A kind that is not served has no objects.
async fn objects(client: &Client, discovery: &Discovery, kind: Kind) -> Result<Vec<Object>, Error> {
    let Some(resource) = discovery.look_up(kind).await? else {
        return Ok(Vec::new());
    };
    let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
    match list(&api, kind).await {
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        listed => listed,
    }
}
