//! Which objects of a view have an edge: the stored ones, and the written one in place of its old version.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::edge::{Edge, ReversedHost};
use super::view::View;
use crate::model::{Host, Key};

impl<'a> View<'a> {
    /// The objects with the exact edge, and with an edge of a wildcard that covers the host.
    pub(super) fn covering(&self, host: &Host, make: fn(ReversedHost) -> Edge) -> Rc<Vec<Key>> {
        let reversed = ReversedHost::of(host);
        let exact = make(reversed.clone());
        let find = || self.find_covering(&reversed, make);
        // Without a write, all objects are judged in one view: it would remember all hosts.
        match self.overlay {
            Some(written) => written.claims.covering(exact, find),
            None => Rc::new(find()),
        }
    }

    fn find_covering(&self, reversed: &ReversedHost, make: fn(ReversedHost) -> Edge) -> Vec<Key> {
        let mut lengths: BTreeSet<usize> = self.cluster.stem_lengths().collect();
        let written = self.overlay.iter();
        lengths.extend(written.flat_map(|written| &written.stem_lengths));
        let wildcards = reversed.wildcards(lengths.into_iter());
        let mut edges: Vec<Edge> = wildcards.map(make).collect();
        edges.push(make(reversed.clone()));
        let keys = edges.into_iter().flat_map(|edge| self.each_holding(edge));
        let mut keys: Vec<Key> = keys.cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    }

    pub(super) fn holding(&self, edge: Edge) -> Vec<&'a Key> {
        self.each_holding(edge).collect()
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

    pub(super) fn under(&self, host: &Host, make: fn(ReversedHost) -> Edge) -> Vec<&'a Key> {
        let stem = ReversedHost::stem(host);
        let stored = self.cluster.holders_under(host, make);
        let written = self
            .overlay
            .is_some_and(|overlay| overlay.has_under(make, &stem));
        self.merged(stored, written)
    }

    /// The stored objects with the edge, without the written object unless its new version has the edge.
    fn merged(&self, stored: impl Iterator<Item = &'a Key>, written: bool) -> Vec<&'a Key> {
        let overlay = self.overlay.map(|overlay| overlay.key);
        let mut keys: Vec<&Key> = stored.filter(|key| overlay != Some(*key)).collect();
        keys.extend(overlay.filter(|_| written));
        keys.sort();
        keys.dedup();
        keys
    }
}
