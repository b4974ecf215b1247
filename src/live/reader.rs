//! Reads remembered objects again from the API server, before an answer that does harm where they were
//! wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, Error};
use serde_json::Value;
use tokio::time::sleep;

use super::decode;
use super::kinds::is_metadata_only;
use crate::api::discovery::{Discovery, is_absent};
use crate::cluster::Cluster;
use crate::decide::Evidence;
use crate::metrics::Metrics;
use crate::model::{Key, Kind, Object};

/// The way to the API server, for a few objects at a time.
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
        for _ in 1..ATTEMPTS {
            match self.read_once(evidence).await {
                Err(error) if is_broken_off(&error) => sleep(PAUSE).await,
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
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        let lists = stream::iter(evidence.namespaces.clone())
            .map(async |(kind, namespace)| self.list(kind, &namespace).await)
            .buffer_unordered(AT_ONCE)
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
            .buffered(AT_ONCE)
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

    /// Those that are not remembered yet are among them; those that are gone are read one by one.
    async fn list(&self, kind: Kind, namespace: &str) -> Result<Vec<Object>, Error> {
        let Some(resource) = self.discovery.resource(kind).await? else {
            return Ok(Vec::new());
        };
        let api = self.api(namespace, &resource);
        let page = ListParams::default().limit(PAGE);
        let objects = api.list(&page).await?.items.into_iter();
        self.metrics.watches.read_live("listed");
        Ok(objects.map(|object| decode::object(kind, object)).collect())
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
    /// The remembered cluster with what was read in the place of what was remembered; `None` where all of it is
    /// remembered as it is.
    pub fn lay_over(self, remembered: &Cluster) -> Option<Cluster> {
        let gone = self
            .missing
            .iter()
            .filter(|key| remembered.get(key).is_some());
        let gone: Vec<&Key> = gone.collect();
        let found = self.found.into_iter();
        let changed: Vec<Object> = found
            .filter(|object| remembered.get(object.key()) != Some(object))
            .collect();
        if gone.is_empty() && changed.is_empty() {
            return None;
        }
        let mut cluster = remembered.clone();
        for key in gone {
            cluster.delete(key);
        }
        for object in changed {
            cluster.apply(object);
        }
        Some(cluster)
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

const AT_ONCE: usize = 16;
/// All connections may have been cut; whether there is time for more, the review's deadline says.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// In objects. Of a namespace with more, the first are read again and the others are as remembered.
const PAGE: u32 = 500;
