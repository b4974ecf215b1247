//! The only writer of the index: applies the events of the watches in steps, and publishes each step.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc};

use super::index_step::{ClusterHandle, IndexStep};
use super::kinds::{from_start, workloads};
use super::watch_event::WatchEvent;
use super::watcher::Watcher;
use crate::cluster::Cluster;
use crate::health::Readiness;
use crate::metrics::Metrics;
use crate::model::{Key, Kind};

/// How many events are applied at once.
const MAX_EVENTS_PER_STEP: usize = 512;

pub(super) struct IndexWriter {
    pub cluster: ClusterHandle,
    pub steps: broadcast::Sender<Arc<IndexStep>>,
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
    /// Applies events until the process ends.
    pub async fn run(self, mut received: mpsc::Receiver<WatchEvent>) {
        let mut lists = Lists::default();
        for kind in from_start() {
            self.watch(kind, &mut lists);
        }
        let mut events = Vec::new();
        while received.recv_many(&mut events, MAX_EVENTS_PER_STEP).await > 0 {
            let changed = self.step(events.drain(..), &mut lists);
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

    /// Applies the events as one step. Returns the objects that it changed.
    fn step(&self, events: impl Iterator<Item = WatchEvent>, lists: &mut Lists) -> BTreeSet<Key> {
        let before = self.cluster.load_full();
        let mut after = Cluster::clone(&before);
        let mut keys = BTreeSet::new();
        for event in events {
            self.metrics.watches.event_received(event.kind());
            if let WatchEvent::List(kind, _) = event {
                lists.read.insert(kind);
            }
            apply_event(event, &mut after, &mut keys);
        }
        if !keys.is_empty() {
            self.publish(before, Arc::new(after), keys.clone());
        }
        keys
    }

    fn publish(&self, before: Arc<Cluster>, after: Arc<Cluster>, keys: BTreeSet<Key>) {
        self.metrics.count_objects(&after);
        self.cluster.store(Arc::clone(&after));
        let step = IndexStep {
            before,
            after,
            keys,
        };
        // Without a receiver: no audit runs.
        let _ = self.steps.send(Arc::new(step));
    }
}

/// Applies one event, and adds the objects that it changed to `changed`. Most events change no field that rules
/// read.
fn apply_event(event: WatchEvent, cluster: &mut Cluster, changed: &mut BTreeSet<Key>) {
    match event {
        WatchEvent::Apply(object) => changed.extend(cluster.apply(*object)),
        WatchEvent::Delete(key) => changed.extend(cluster.delete(&key)),
        WatchEvent::List(kind, objects) => changed.extend(cluster.replace_kind(kind, objects)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
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
    fn applies_what_differs_and_no_more() {
        let mut cluster = Cluster::default();
        let mut changed = BTreeSet::new();
        let list = vec![service("a", "a"), service("b", "b")];
        apply_event(
            WatchEvent::List(Kind::Service, list),
            &mut cluster,
            &mut changed,
        );
        assert_eq!(names(&changed), ["a", "b"]);
        changed.clear();
        let list = vec![service("b", "other"), service("c", "c")];
        apply_event(
            WatchEvent::List(Kind::Service, list),
            &mut cluster,
            &mut changed,
        );
        assert_eq!(names(&changed), ["a", "b", "c"]);
        changed.clear();
        apply_event(
            WatchEvent::Apply(Box::new(service("c", "c"))),
            &mut cluster,
            &mut changed,
        );
        apply_event(
            WatchEvent::Delete(service("z", "z").key().clone()),
            &mut cluster,
            &mut changed,
        );
        assert!(changed.is_empty());
        assert_eq!(cluster.len(), 2);
    }
}
