//! Fields that no rule reads and that people want to see: the phase, the step, the replicas, who owns a field.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::node::Node;
use crate::cluster::Cluster;
use crate::managed_fields;
use crate::model::{Key, Kind};

/// Whole objects, as far as they are known.
#[derive(Debug, Default)]
pub struct Details(HashMap<Key, Value>);

impl Details {
    /// These objects.
    pub fn new(objects: impl IntoIterator<Item = (Key, Value)>) -> Self {
        Self(objects.into_iter().collect())
    }

    /// The text or number of a field, such as `/status/phase`.
    pub(super) fn text(&self, key: &Key, pointer: &str) -> Option<String> {
        match self.0.get(key)?.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The field managers that own the field, `kubectl, rollouts-controller`.
    pub(super) fn owners(&self, key: &Key, path: &[&str]) -> String {
        let Some(object) = self.0.get(key) else {
            return String::new();
        };
        let mut owners: Vec<&str> = managed_fields::owners(object, path).collect();
        owners.sort_unstable();
        owners.dedup();
        owners.join(", ")
    }

    /// `3 of 3 pods ready`, of the ReplicaSet of a revision.
    pub(super) fn ready(&self, rollout: &Key, hash: &str) -> Option<String> {
        let key = replica_set(rollout, hash);
        let wanted = self.text(&key, "/spec/replicas")?;
        let ready = self.text(&key, "/status/readyReplicas");
        let ready = ready.unwrap_or_else(|| "0".to_owned());
        Some(format!("{ready} of {wanted} pods ready"))
    }
}

/// The ReplicaSet of a revision (the controller's `getNewReplicaSet` names it).
fn replica_set(rollout: &Key, hash: &str) -> Key {
    let name = format!("{}-{hash}", rollout.name);
    Key::new(Kind::Revision, &rollout.namespace, &name)
}

/// The objects that the trees show, and the ReplicaSets of the revisions of their Rollouts.
pub fn objects(nodes: &[Node], cluster: &Cluster) -> BTreeSet<Key> {
    let shown = nodes.iter().flat_map(Node::keys);
    let mut keys: BTreeSet<Key> = shown.cloned().collect();
    let rollouts = keys.iter().filter_map(|key| cluster.get(key)?.rollout());
    let revisions: Vec<Key> = rollouts
        .flat_map(|rollout| {
            let status = &rollout.body.status;
            let hashes = [&status.stable_rs, &status.current_pod_hash].into_iter();
            let hashes = hashes.filter(|hash| !hash.is_empty());
            hashes.map(|hash| replica_set(&rollout.meta.key, hash))
        })
        .collect();
    keys.extend(revisions);
    keys
}
