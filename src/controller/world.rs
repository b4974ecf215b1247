//! The whole objects of a small cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::{Cluster, Mesh};
use crate::model::{Key, Object};

/// Whole objects, from which a [`Cluster`] is made whenever one is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// The objects, each with the namespace of its key.
    pub objects: BTreeMap<Key, Value>,
    /// What is true of the whole cluster.
    pub mesh: Mesh,
}

impl World {
    /// The objects as rules read them.
    pub fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::new(self.mesh.clone());
        for (key, value) in &self.objects {
            cluster.apply(Object::parse_as(key.kind, value, &key.namespace));
        }
        cluster
    }

    /// The list at the pointer; `None` if the object or the list does not exist.
    pub(super) fn list(&mut self, key: &Key, pointer: &str) -> Option<&mut Vec<Value>> {
        self.objects
            .get_mut(key)?
            .pointer_mut(pointer)?
            .as_array_mut()
    }
}
