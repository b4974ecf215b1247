//! One written object that is laid over a cluster.

use std::collections::BTreeSet;

use super::claims::Claims;
use super::edge::{Edge, ReversedHost, edges_of};
use super::mesh::Mesh;
use crate::model::{Key, Object};

/// One written object, and its edges.
pub struct Overlay<'a> {
    pub(super) key: &'a Key,
    /// `None`: the write deletes the object.
    pub(super) object: Option<&'a Object>,
    /// Sorted.
    edges: Vec<Edge>,
    /// Of the edges to wildcard hosts.
    pub(super) stem_lengths: BTreeSet<usize>,
    /// What was found out about Rollouts in the view that has it.
    pub(super) claims: Claims,
}

impl<'a> Overlay<'a> {
    /// `object`: what the key stands for after the write; `None` for a deleted object.
    pub fn new(key: &'a Key, object: Option<&'a Object>, mesh: &Mesh) -> Self {
        let edges = object.map(|object| edges_of(object, mesh));
        let edges = edges.unwrap_or_default();
        Self {
            key,
            object,
            stem_lengths: edges.iter().filter_map(Edge::stem_length).collect(),
            edges,
            claims: Claims::default(),
        }
    }

    /// Whether its object exists, and refers to the same objects and hosts, as that of another overlay.
    pub fn refers_as(&self, other: &Overlay<'_>) -> bool {
        self.object.is_some() == other.object.is_some() && self.edges == other.edges
    }

    pub(super) fn has(&self, edge: &Edge) -> bool {
        self.edges.binary_search(edge).is_ok()
    }

    /// Whether it has an edge of `make` to a host that begins with `stem` when reversed.
    pub(super) fn has_under(&self, make: fn(ReversedHost) -> Edge, stem: &ReversedHost) -> bool {
        let first = make(stem.clone());
        let at = self.edges.partition_point(|edge| *edge < first);
        let next = self.edges.get(at);
        next.is_some_and(|edge| edge.is_under(make, stem))
    }
}
