//! Reads watched objects again from the API server, before an answer that does harm if they are outdated.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::{Client, Error};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::allow_rights::{AllowQuestion, AllowRights};
use super::decode;
use super::kinds::is_metadata_only;
use super::list::list;
use super::retry::{MAX_ATTEMPTS, RETRY_PAUSE, is_broken_off};
use super::shared_reads::{Read, SharedReads, Target};
use crate::api::discovery::{Discovery, is_absent};
use crate::cluster::Cluster;
use crate::decide::Evidence;
use crate::metrics::Metrics;
use crate::model::{Key, Kind, Object};
use crate::request::AllowRight;

/// So that a review that rests on many objects leaves room for the others.
const MAX_PARALLEL_READS_PER_REVIEW: usize = 4;

/// Reads a few objects at a time from the API server. Clones share their reads.
#[derive(Clone)]
pub struct Reader {
    client: Client,
    discovery: Discovery,
    metrics: Arc<Metrics>,
    reads: SharedReads,
    allow_rights: Arc<AllowRights>,
}

/// The reads of one review, which other reviews can use until it is dropped.
pub struct ReviewReads<'a> {
    reader: &'a Reader,
    /// When the review arrived.
    arrived: Instant,
    held: Vec<Read>,
}

/// What the API server says of some objects, now.
#[derive(Default)]
pub struct Fresh {
    found: Vec<Arc<[Object]>>,
    missing: Vec<Key>,
}

impl Reader {
    pub(super) fn new(client: Client, discovery: Discovery, metrics: Arc<Metrics>) -> Self {
        let reads = SharedReads::new();
        let allow_rights =
            AllowRights::new(client.clone(), Arc::clone(&metrics), reads.clone()).into();
        Self {
            client,
            discovery,
            metrics,
            reads,
            allow_rights,
        }
    }

    /// Reads for a review that arrived at this time.
    pub fn for_review(&self, arrived: Instant) -> ReviewReads<'_> {
        ReviewReads {
            reader: self,
            arrived,
            held: Vec::new(),
        }
    }

    /// Whether a user may use the `allow` annotation.
    pub async fn allow_right(&self, question: AllowQuestion) -> AllowRight {
        self.allow_rights.ask(question).await
    }

    /// Those of the objects that are there, whole.
    pub async fn whole(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Value>, Error> {
        let objects = stream::iter(keys)
            .map(async |key| self.reads.turn(self.whole_object(&key)).await)
            .buffered(MAX_PARALLEL_READS_PER_REVIEW)
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

    /// A connection that broke is no answer: a new one is tried.
    async fn read(self, target: Target) -> Result<Vec<Object>, Error> {
        for _ in 1..MAX_ATTEMPTS {
            match self.read_once(&target).await {
                Err(error) if is_broken_off(&error) => sleep(RETRY_PAUSE).await,
                answer => return answer,
            }
        }
        self.read_once(&target).await
    }

    async fn read_once(&self, target: &Target) -> Result<Vec<Object>, Error> {
        match target {
            Target::Object(key) => Ok(self.object(key).await?.into_iter().collect()),
            Target::Namespace(kind, namespace) => self.list(*kind, namespace).await,
        }
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

impl ReviewReads<'_> {
    /// All of them, a few requests at a time.
    ///
    /// # Errors
    /// The first answer that is none: a fact that cannot be read is not known to be false either.
    pub async fn read(&mut self, evidence: &Evidence) -> Result<Fresh, Arc<Error>> {
        let (reader, arrived) = (self.reader, self.arrived);
        let mut reads = stream::iter(targets(evidence))
            .map(async |target| {
                let read = reader.clone().read(target.clone());
                let (read, is_new) = reader.reads.join(&target, arrived, read);
                if !is_new {
                    reader.metrics.watches.read_live("shared");
                }
                (target, read.clone().await, read)
            })
            .buffer_unordered(MAX_PARALLEL_READS_PER_REVIEW);
        let mut fresh = Fresh::default();
        while let Some((target, found, read)) = reads.next().await {
            self.held.push(read);
            fresh.add(target, found?);
        }
        fresh.miss(evidence.listed_keys());
        Ok(fresh)
    }
}

impl Fresh {
    fn add(&mut self, target: Target, found: Arc<[Object]>) {
        match target {
            Target::Object(key) if found.is_empty() => self.missing.push(key),
            _ => self.found.push(found),
        }
    }

    /// Of these objects, those that no list has are gone.
    fn miss<'k>(&mut self, listed: impl Iterator<Item = &'k Key>) {
        let found = self.found.iter().flat_map(|found| found.iter());
        let found: HashSet<&Key> = found.map(Object::key).collect();
        let gone = listed.filter(|key| !found.contains(key));
        self.missing.extend(gone.cloned());
    }

    /// The watched cluster with what was read in place of what was watched; `None` if nothing differs.
    pub fn lay_over(self, watched: &Cluster) -> Option<Cluster> {
        let mut cluster = watched.clone();
        let mut differs = false;
        for key in &self.missing {
            differs |= cluster.delete(key).is_some();
        }
        for object in self.found.iter().flat_map(|found| found.iter()) {
            if cluster.get(object.key()) != Some(object) {
                cluster.apply(object.clone());
                differs = true;
            }
        }
        differs.then_some(cluster)
    }
}

fn targets(evidence: &Evidence) -> Vec<Target> {
    let keys = evidence.single_keys().cloned().map(Target::Object);
    let namespaces = evidence.namespaces.iter().cloned();
    let namespaces = namespaces.map(|(kind, namespace)| Target::Namespace(kind, namespace));
    keys.chain(namespaces).collect()
}

/// A kind whose CRD has just gone has no objects.
fn absent_is_none<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) if is_absent(&error) => Ok(None),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Mesh;
    use serde_json::json;

    fn rule(name: &str) -> Object {
        let rule = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": {"namespace": "ns", "name": name}, "spec": {"host": "app"}});
        Object::parse(&rule, "").unwrap()
    }

    #[test]
    fn what_a_list_does_not_show_is_gone() {
        let mut watched = Cluster::new(Mesh::default());
        let [kept, gone] = ["kept", "gone"].map(rule);
        let keys = [kept.key().clone(), gone.key().clone()];
        watched.apply(kept.clone());
        watched.apply(gone);
        let mut fresh = Fresh::default();
        let list = Target::Namespace(Kind::DestinationRule, "ns".into());
        fresh.add(list, [kept].into());
        fresh.miss(keys.iter());
        let newer = fresh.lay_over(&watched).unwrap();
        let known: Vec<&Key> = newer.keys().collect();
        assert_eq!(known, [&keys[0]]);
    }
}
