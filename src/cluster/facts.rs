//! What is read of a cluster, so that an answer can name the facts that it rests on, and they can be read
//! again from the API server before it denies a write.

use std::cell::RefCell;
use std::sync::Arc;

use crate::model::{Host, Key, Kind, Object};

/// A log of what is read through a [`View`](super::View). What the write itself brings is not a fact.
#[derive(Debug, Default)]
pub struct Facts(RefCell<Vec<Fact>>);

/// One thing that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The object was found, and was this.
    Found(Arc<Object>),
    /// There was no object of the key.
    Missing(Key),
    /// The objects of the kind were looked up that are for the host. One that is not known yet may be among
    /// them.
    Host(Kind, Host),
}

impl Facts {
    /// How many facts there are, for [`Facts::since`] and [`Facts::forget_since`].
    pub fn mark(&self) -> usize {
        self.0.borrow().len()
    }

    /// The facts that were noted after the mark.
    pub fn since(&self, mark: usize) -> Vec<Fact> {
        let facts = self.0.borrow();
        facts.get(mark..).unwrap_or_default().to_vec()
    }

    pub fn forget_since(&self, mark: usize) {
        self.0.borrow_mut().truncate(mark);
    }

    pub fn into_vec(self) -> Vec<Fact> {
        self.0.into_inner()
    }

    pub(super) fn note(&self, fact: Fact) {
        self.0.borrow_mut().push(fact);
    }
}

impl Fact {
    pub fn kind(&self) -> Kind {
        match self {
            Fact::Found(object) => object.key().kind,
            Fact::Missing(key) => key.kind,
            Fact::Host(kind, _) => *kind,
        }
    }

    /// The object that was looked up by its key, found or not.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Fact::Found(object) => Some(object.key()),
            Fact::Missing(key) => Some(key),
            Fact::Host(..) => None,
        }
    }
}
