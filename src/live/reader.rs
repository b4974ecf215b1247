//! Reads watched objects again from the API server, before an answer that does harm if they are outdated.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::{Client, Error};
use serde_json::Value;
use tokio::time::sleep;

use super::decode;
use super::kinds::is_metadata_only;
use super::list::list;
use crate::api::discovery::{Discovery, is_absent};
use crate::cluster::Cluster;
use crate::decide::Evidence;
use crate::metrics::Metrics;
use crate::model::{Key, Kind, Object};

const MAX_PARALLEL_READS: usize = 16;
/// All connections may have been closed. The deadline of the review limits the time.
const MAX_ATTEMPTS: usize = 3;
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Reads a few objects at a time from the API server.
#[derive(Clone)]
pub struct Reader {
    client: Client,
    discovery: Discovery,
    metrics: Arc<Metrics>,
}

/// What the API server says of some objects, now.
#[derive(Default)]
pub struct Fresh {
    found: Vec<Object>,
    missing: Vec<Key>,
}

impl Reader {
    pub(super) fn new(client: Client, discovery: Discovery, metrics: Arc<Metrics>) -> Self {
        Self {
            client,
            discovery,
            metrics,
        }
    }

    /// All of them at once, a few requests at a time. A connection that broke is no answer: a new one is tried.
    ///
    /// # Errors
    /// The first answer that is none: a fact that cannot be read is not known to be false either.
    pub async fn read(&self, evidence: &Evidence) -> Result<Fresh, Error> {
        for _ in 1..MAX_ATTEMPTS {
            match self.read_once(evidence).await {
                Err(error) if is_broken_off(&error) => sleep(RETRY_PAUSE).await,
                answer => return answer,
            }
        }
        self.read_once(evidence).await
    }

    async fn read_once(&self, evidence: &Evidence) -> Result<Fresh, Error> {
        let objects = stream::iter(evidence.keys.clone())
            .map(async |key| {
                let object = self.object(&key).await?;
                Ok::<_, Error>((key, object))
            })
            .buffer_unordered(MAX_PARALLEL_READS)
            .try_collect::<Vec<_>>();
        let lists = stream::iter(evidence.namespaces.clone())
            .map(async |(kind, namespace)| self.list(kind, &namespace).await)
            .buffer_unordered(MAX_PARALLEL_READS)
            .try_collect::<Vec<_>>();
        let (objects, lists) = tokio::try_join!(objects, lists)?;
        let mut fresh = Fresh {
            found: lists.concat(),
            ..Fresh::default()
        };
        for (key, object) in objects {
            match object {
                Some(object) => fresh.found.push(object),
                None => fresh.missing.push(key),
            }
        }
        Ok(fresh)
    }

    /// Those of the objects that are there, whole.
    pub async fn whole(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Value>, Error> {
        let objects = stream::iter(keys)
            .map(async |key| self.whole_object(&key).await)
            .buffered(MAX_PARALLEL_READS)
            .try_collect::<Vec<_>>();
        Ok(objects.await?.into_iter().flatten().collect())
    }

    async fn whole_object(&self, key: &Key) -> Result<Option<Value>, Error> {
        let Some(resource) = self.discovery.resource(key.kind).await? else {
            return Ok(None);
        };
        let api = self.api(&key.namespace, &resource);
        let found = absent_is_none(api.get_opt(&key.name).await)?;
        // An object that came as JSON can be written as JSON.
        Ok(found.map(|object| serde_json::to_value(object).unwrap_or_default()))
    }

    async fn object(&self, key: &Key) -> Result<Option<Object>, Error> {
        let read = self.try_object(key).await;
        self.metrics.watches.read_live(match &read {
            Ok(Some(_)) => "found",
            Ok(None) => "missing",
            Err(_) => "failed",
        });
        read
    }

    async fn try_object(&self, key: &Key) -> Result<Option<Object>, Error> {
        let Some(resource) = self.discovery.resource(key.kind).await? else {
            return Ok(None);
        };
        let api = self.api(&key.namespace, &resource);
        if is_metadata_only(key.kind) {
            let found = absent_is_none(api.get_metadata_opt(&key.name).await)?;
            return Ok(found.map(|object| decode::object(key.kind, object)));
        }
        let found = absent_is_none(api.get_opt(&key.name).await)?;
        Ok(found.map(|object| decode::object(key.kind, object)))
    }

    /// Finds the objects that the index does not hold yet. Those that it holds are also read one by one, which finds
    /// the deleted ones.
    async fn list(&self, kind: Kind, namespace: &str) -> Result<Vec<Object>, Error> {
        let Some(resource) = self.discovery.resource(kind).await? else {
            return Ok(Vec::new());
        };
        let api = self.api(namespace, &resource);
        let objects = list(&api, kind).await?;
        self.metrics.watches.read_live("listed");
        Ok(objects)
    }

    fn api(&self, namespace: &str, resource: &ApiResource) -> Api<DynamicObject> {
        let client = self.client.clone();
        if namespace.is_empty() {
            Api::all_with(client, resource)
        } else {
            Api::namespaced_with(client, namespace, resource)
        }
    }
}

impl Fresh {
    /// The watched cluster with what was read in place of what was watched; `None` if nothing differs.
    pub fn lay_over(self, watched: &Cluster) -> Option<Cluster> {
        let mut cluster = watched.clone();
        let mut differs = false;
        for key in &self.missing {
            differs |= cluster.delete(key).is_some();
        }
        for object in self.found {
            differs |= cluster.apply(object).is_some();
        }
        differs.then_some(cluster)
    }
}

/// A kind whose CRD has just gone has no objects.
fn absent_is_none<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if is_absent(&error) => Ok(None),
        read => read,
    }
}

/// No word of the API server, good or bad.
fn is_broken_off(error: &Error) -> bool {
    matches!(error, Error::HyperError(_) | Error::Service(_))
}
