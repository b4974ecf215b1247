//! What was found out in one view about Rollouts and hosts. A Rollout takes twenty rules, and of thousands that name
//! one object, each would ask for all; several rules ask who provides or governs a host.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::edge::Edge;
use super::facts::{Fact, Facts};
use crate::model::Key;

/// What the controller requires of a Rollout before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// The controller does not refuse the spec or a route (`InvalidSpec`).
    Accepted,
    /// It does not, and all that the Rollout names exists and is whole.
    Complete,
}

/// The answers of one view, by what was asked.
#[derive(Debug, Default)]
pub struct Claims {
    met: Memo<(Key, Requirement), Answer<bool>>,
    owners: Memo<Key, Vec<Answer<Key>>>,
    covering: Memo<Edge, Vec<Key>>,
}

/// An answer, and the facts that it rests on.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) value: T,
    pub(super) facts: Vec<Fact>,
}

impl<T> Answer<T> {
    /// What `read` finds. What it notes in `facts` is taken out again.
    pub(super) fn of(facts: Option<&Facts>, read: impl FnOnce() -> T) -> Self {
        let start = facts.map(Facts::mark).unwrap_or_default();
        let value = read();
        let taken = facts.map(|facts| {
            let taken = facts.since(start);
            facts.forget_since(start);
            taken
        });
        Self {
            value,
            facts: taken.unwrap_or_default(),
        }
    }
}

type Memo<Q, A> = RefCell<HashMap<Q, Rc<A>>>;

impl Claims {
    /// Whether the Rollout meets the requirement.
    pub(super) fn met(
        &self,
        asked: (Key, Requirement),
        find: impl FnOnce() -> Answer<bool>,
    ) -> Rc<Answer<bool>> {
        recall(&self.met, asked, find)
    }

    /// The Rollouts that are effective for the object.
    pub(super) fn owners(
        &self,
        object: Key,
        find: impl FnOnce() -> Vec<Answer<Key>>,
    ) -> Rc<Vec<Answer<Key>>> {
        recall(&self.owners, object, find)
    }

    /// The objects with an edge to the host of this one, or to a wildcard that covers it.
    pub(super) fn covering(&self, exact: Edge, find: impl FnOnce() -> Vec<Key>) -> Rc<Vec<Key>> {
        recall(&self.covering, exact, find)
    }
}

fn recall<Q: Eq + std::hash::Hash, A>(
    memo: &Memo<Q, A>,
    asked: Q,
    find: impl FnOnce() -> A,
) -> Rc<A> {
    if let Some(known) = memo.borrow().get(&asked) {
        return Rc::clone(known);
    }
    // Not borrowed meanwhile: one answer takes others.
    let found = Rc::new(find());
    memo.borrow_mut().insert(asked, Rc::clone(&found));
    found
}
