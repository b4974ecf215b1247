//! The one writer of the cluster: enters what the watches tell, in steps, and hands each step on.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc};

use super::watch_event::WatchEvent;
use super::watcher::Watcher;
use super::{ALWAYS, Changed, ClusterHandle};
use crate::cluster::{Cluster, reference};
use crate::health::Readiness;
use crate::metrics::Metrics;
use crate::model::{Key, Kind, Object};

pub(super) struct IndexWriter {
    pub cluster: ClusterHandle,
    pub changes: broadcast::Sender<Arc<Changed>>,
    pub metrics: Arc<Metrics>,
    pub readiness: Arc<Readiness>,
    pub watcher: Watcher,
}

/// Which kinds are watched, and which of these have their first list.
#[derive(Default)]
struct Lists {
    watched: BTreeSet<Kind>,
    read: BTreeSet<Kind>,
}

impl IndexWriter {
    /// Enters news until the process ends.
    pub async fn keep(self, mut heard: mpsc::Receiver<WatchEvent>) {
        let mut lists = Lists::default();
        for kind in ALWAYS {
            self.watch(kind, &mut lists);
        }
        let mut news = Vec::new();
        while heard.recv_many(&mut news, STEP).await > 0 {
            let changed = self.step(news.drain(..), &mut lists);
            for kind in workloads(&self.cluster.load(), &changed) {
                self.watch(kind, &mut lists);
            }
            if lists.read == lists.watched {
                self.readiness.cluster_read();
            }
        }
    }

    fn watch(&self, kind: Kind, lists: &mut Lists) {
        if lists.watched.insert(kind) {
            self.watcher.begin(kind);
        }
    }

    /// Enters the news as one step, and says which objects it changed.
    fn step(&self, news: impl Iterator<Item = WatchEvent>, lists: &mut Lists) -> BTreeSet<Key> {
        let before = self.cluster.load_full();
        let mut after = Cluster::clone(&before);
        let mut keys = BTreeSet::new();
        for news in news {
            self.metrics.watches.heard(news.kind());
            if let WatchEvent::List(kind, _) = news {
                lists.read.insert(kind);
            }
            enter(news, &mut after, &mut keys);
        }
        if !keys.is_empty() {
            self.publish(before, Arc::new(after), keys.clone());
        }
        keys
    }

    fn publish(&self, before: Arc<Cluster>, after: Arc<Cluster>, keys: BTreeSet<Key>) {
        self.metrics.count_objects(&after);
        self.cluster.store(Arc::clone(&after));
        let changed = Changed {
            before,
            after,
            keys,
        };
        // Nobody listens where no audit runs.
        let _ = self.changes.send(Arc::new(changed));
    }
}

/// Enters one piece of news, and which objects it changed; most change nothing that the rules read.
fn enter(news: WatchEvent, cluster: &mut Cluster, changed: &mut BTreeSet<Key>) {
    match news {
        WatchEvent::Apply(object) => apply(*object, cluster, changed),
        WatchEvent::Delete(key) => delete(&key, cluster, changed),
        WatchEvent::List(kind, objects) => {
            let listed: BTreeSet<Key> = objects.iter().map(|object| object.key().clone()).collect();
            let known = cluster.keys().filter(|key| key.kind == kind);
            let gone: Vec<Key> = known.filter(|key| !listed.contains(key)).cloned().collect();
            for key in gone {
                delete(&key, cluster, changed);
            }
            for object in objects {
                apply(object, cluster, changed);
            }
        }
    }
}

fn apply(object: Object, cluster: &mut Cluster, changed: &mut BTreeSet<Key>) {
    if cluster.get(object.key()) != Some(&object) {
        changed.insert(object.key().clone());
        cluster.apply(object);
    }
}

fn delete(key: &Key, cluster: &mut Cluster, changed: &mut BTreeSet<Key>) {
    if cluster.get(key).is_some() {
        changed.insert(key.clone());
        cluster.delete(key);
    }
}

/// The kinds that a `workloadRef` of these Rollouts names.
pub(super) fn workloads<'a>(
    cluster: &Cluster,
    keys: impl IntoIterator<Item = &'a Key>,
) -> BTreeSet<Kind> {
    let rollouts = keys.into_iter().filter_map(|key| match cluster.get(key) {
        Some(Object::Rollout(rollout)) => Some(rollout),
        _ => None,
    });
    let workloads = rollouts.filter_map(|rollout| reference::workload(rollout));
    workloads.map(|key| key.kind).collect()
}

/// In events that are entered at once.
const STEP: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(name: &str, app: &str) -> Object {
        let value = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": "ns", "name": name, "resourceVersion": app.len().to_string()},
            "spec": {"selector": {"app": app}}});
        Object::parse(&value, "").unwrap()
    }

    fn names(changed: &BTreeSet<Key>) -> Vec<&str> {
        changed.iter().map(|key| &*key.name).collect()
    }

    #[test]
    fn enters_what_differs_and_no_more() {
        let mut cluster = Cluster::default();
        let mut changed = BTreeSet::new();
        let list = vec![service("a", "a"), service("b", "b")];
        enter(
            WatchEvent::List(Kind::Service, list),
            &mut cluster,
            &mut changed,
        );
        assert_eq!(names(&changed), ["a", "b"]);
        changed.clear();
        let list = vec![service("b", "other"), service("c", "c")];
        enter(
            WatchEvent::List(Kind::Service, list),
            &mut cluster,
            &mut changed,
        );
        assert_eq!(names(&changed), ["a", "b", "c"]);
        changed.clear();
        enter(
            WatchEvent::Apply(Box::new(service("c", "c"))),
            &mut cluster,
            &mut changed,
        );
        enter(
            WatchEvent::Delete(service("z", "z").key().clone()),
            &mut cluster,
            &mut changed,
        );
        assert!(changed.is_empty());
        assert_eq!(cluster.len(), 2);
    }
}
