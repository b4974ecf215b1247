//! The index: objects by key, and their edges in both directions. A clone shares what is not changed after it, so
//! that a review keeps the index that it began with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use rpds::{HashTrieMapSync, RedBlackTreeSetSync};

use super::edge::{Edge, ReversedHost, edges_of};
use super::mesh::Mesh;
use crate::model::{Host, Key, Kind, Object};

/// The objects of a cluster and their edges.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    pub(super) mesh: Mesh,
    objects: HashTrieMapSync<Key, Arc<Object>>,
    /// Each edge with the object that has it.
    holders: RedBlackTreeSetSync<(Edge, Key)>,
    counts: BTreeMap<Kind, usize>,
    /// The number of wildcard edges by the length of their stems, so that a look-up tries only lengths that
    /// exist.
    wildcards: BTreeMap<usize, usize>,
}

impl Cluster {
    /// A cluster without objects.
    pub fn new(mesh: Mesh) -> Self {
        Self {
            mesh,
            ..Self::default()
        }
    }

    /// What the settings say of the mesh: its domain, the version of the controller.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// Stores the object, and replaces the one with its key. Returns the key if that changes anything.
    pub fn apply(&mut self, object: impl Into<Arc<Object>>) -> Option<Key> {
        let object = object.into();
        if self.get(object.key()) == Some(&object) {
            return None;
        }
        let key = object.key().clone();
        self.delete(&key);
        for edge in edges_of(&object, &self.mesh) {
            count(&mut self.wildcards, edge.stem_length(), true);
            self.holders.insert_mut((edge, key.clone()));
        }
        count(&mut self.counts, Some(key.kind), true);
        self.objects.insert_mut(key.clone(), object);
        Some(key)
    }

    /// Removes the object. Returns its key if there was one.
    pub fn delete(&mut self, key: &Key) -> Option<Key> {
        let object = self.objects.get(key).cloned()?;
        self.objects.remove_mut(key);
        for edge in edges_of(&object, &self.mesh) {
            count(&mut self.wildcards, edge.stem_length(), false);
            self.holders.remove_mut(&(edge, key.clone()));
        }
        count(&mut self.counts, Some(key.kind), false);
        Some(key.clone())
    }

    /// Replaces all objects of the kind, as after a list from the API server. Returns the keys of those that
    /// changed.
    pub fn replace_kind(&mut self, kind: Kind, objects: Vec<Object>) -> BTreeSet<Key> {
        let listed: BTreeSet<&Key> = objects.iter().map(Object::key).collect();
        let known = self.keys().filter(|key| key.kind == kind);
        let gone: Vec<Key> = known.filter(|key| !listed.contains(key)).cloned().collect();
        let mut changed: BTreeSet<Key> = gone.iter().filter_map(|key| self.delete(key)).collect();
        changed.extend(objects.into_iter().filter_map(|object| self.apply(object)));
        changed
    }

    /// The object with this key.
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.shared(key).map(Arc::as_ref)
    }

    pub(super) fn shared(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// How many objects there are of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// The number of objects.
    pub fn len(&self) -> usize {
        self.objects.size()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// All keys, in no order. A review must not call this: it costs the size of the cluster.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }

    pub(super) fn stem_lengths(&self) -> impl Iterator<Item = usize> {
        self.wildcards.keys().copied()
    }

    /// The objects that have the edge.
    pub(super) fn holders(&self, edge: Edge) -> impl Iterator<Item = &Key> {
        let range = self.holders_from(edge.clone());
        range
            .take_while(move |(other, _)| *other == edge)
            .map(|(_, key)| key)
    }

    pub(super) fn holds(&self, edge: Edge, key: &Key) -> bool {
        self.holders.contains(&(edge, key.clone()))
    }

    /// The objects that have an edge of `make` to a host that `host` covers.
    pub(super) fn holders_under(
        &self,
        host: &Host,
        make: fn(ReversedHost) -> Edge,
    ) -> impl Iterator<Item = &Key> {
        let stem = ReversedHost::stem(host);
        let range = self.holders_from(make(stem.clone()));
        range
            .take_while(move |(edge, _)| edge.is_under(make, &stem))
            .map(|(_, key)| key)
    }

    fn holders_from(&self, edge: Edge) -> impl Iterator<Item = &(Edge, Key)> {
        // `Kind::Rollout` and `""` sort first.
        let first = (edge, Key::new(Kind::Rollout, "", ""));
        self.holders
            .range((Bound::Included(first), Bound::Unbounded))
    }
}

/// Counts one more or one less. A count of 0 has no entry.
fn count<T: Ord>(counts: &mut BTreeMap<T, usize>, what: Option<T>, more: bool) {
    let Some(what) = what else { return };
    if more {
        *counts.entry(what).or_default() += 1;
    } else if let Some(left) = counts.get_mut(&what) {
        *left -= 1;
        if *left == 0 {
            counts.remove(&what);
        }
    }
}

impl Edge {
    /// The length of the stem of an edge to a wildcard host.
    pub(super) fn stem_length(&self) -> Option<usize> {
        self.host()?.stem_length()
    }

    fn host(&self) -> Option<&ReversedHost> {
        match self {
            Edge::Names(_) | Edge::Called(_) => None,
            Edge::Sends(host) | Edge::Governs(host) | Edge::Serves(host) | Edge::Claims(host) => {
                Some(host)
            }
        }
    }

    /// Whether `make` makes the edge, of a host that begins with `stem` when reversed.
    pub(super) fn is_under(&self, make: fn(ReversedHost) -> Edge, stem: &ReversedHost) -> bool {
        self.host()
            .is_some_and(|host| host.starts_with(stem) && *self == make(host.clone()))
    }
}
