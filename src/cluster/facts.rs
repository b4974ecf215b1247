//! What a review looked at, so that a live cluster can be asked the same again before it says no.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::model::{Host, Key, Kind};

/// Notes what is read through a [`View`](super::View); what the write itself brings is no fact.
#[derive(Debug, Default)]
pub struct Facts {
    kinds: Cell<Kinds>,
    keys: RefCell<BTreeSet<Key>>,
    hosts: RefCell<BTreeSet<(Kind, Host)>>,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Facts {
    /// The kinds that were looked at in any way.
    pub fn kinds(&self) -> Kinds {
        self.kinds.get()
    }

    /// The objects that were looked up, whether they were there or not.
    pub fn into_keys(self) -> BTreeSet<Key> {
        self.keys.into_inner()
    }

    /// The hosts whose objects of a kind were looked up: one that is not known yet may be among them.
    pub fn hosts(&self) -> BTreeSet<(Kind, Host)> {
        self.hosts.borrow().clone()
    }

    pub(super) fn note_kind(&self, kind: Kind) {
        self.kinds.set(self.kinds.get().with(kind));
    }

    pub(super) fn note_key(&self, key: &Key) {
        let mut keys = self.keys.borrow_mut();
        if !keys.contains(key) {
            keys.insert(key.clone());
        }
    }

    pub(super) fn note_host(&self, kind: Kind, host: &Host) {
        self.hosts.borrow_mut().insert((kind, host.clone()));
    }
}

impl Kinds {
    #[must_use]
    pub fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u16)
    }

    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }
}
