//! Which objects of a view have an edge: the stored ones, and the written one in place of its old version.

use std::collections::BTreeSet;

use super::edge::{Edge, ReversedHost};
use super::view::View;
use crate::model::{Host, Key};

impl<'a> View<'a> {
    /// The objects with the exact edge, and with an edge of a wildcard that covers the host.
    pub(super) fn covering(&self, host: &Host, make: fn(ReversedHost) -> Edge) -> Vec<Key> {
        let reversed = ReversedHost::of(host);
        let mut lengths: BTreeSet<usize> = self.cluster.stem_lengths().collect();
        let written = self.overlay.iter();
        lengths.extend(written.flat_map(|written| &written.stem_lengths));
        let wildcards = reversed.wildcards(lengths.into_iter()).map(make);
        let edges = wildcards.chain([make(reversed.clone())]);
        let mut keys: Vec<Key> = edges.flat_map(|edge| self.holding(&edge)).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    pub(super) fn holding(&self, edge: &Edge) -> Vec<Key> {
        self.each_holding(edge.clone()).cloned().collect()
    }

    /// The objects with the edge, in the order of their keys, looked up one by one.
    pub(super) fn each_holding(&self, edge: Edge) -> impl Iterator<Item = &'a Key> {
        let written = self.overlay.map(|overlay| overlay.key);
        let holds = self.overlay.is_some_and(|overlay| overlay.has(&edge));
        let mut pending = written.filter(|_| holds);
        let stored = self.cluster.holders(edge);
        let mut stored = stored.filter(move |key| written != Some(*key)).peekable();
        std::iter::from_fn(move || {
            let first = pending.is_some_and(|key| stored.peek().is_none_or(|next| key < *next));
            if first { pending.take() } else { stored.next() }
        })
    }

    pub(super) fn under(&self, host: &Host, make: fn(ReversedHost) -> Edge) -> Vec<Key> {
        let stem = ReversedHost::stem(host);
        let stored = self.cluster.holders_under(host, make);
        let written = self
            .overlay
            .is_some_and(|overlay| overlay.has_under(make, &stem));
        self.merged(stored, written)
    }

    /// The stored objects with the edge, without the written object unless its new version has the edge.
    fn merged<'k>(&self, stored: impl Iterator<Item = &'k Key>, written: bool) -> Vec<Key> {
        let overlay = self.overlay.map(|overlay| overlay.key);
        let others = stored.filter(|key| overlay != Some(*key));
        let mut keys: Vec<Key> = others.cloned().collect();
        keys.extend(overlay.filter(|_| written).cloned());
        keys.sort();
        keys.dedup();
        keys
    }
}
