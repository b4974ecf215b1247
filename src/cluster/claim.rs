//! Whether a Rollout is effective for an object that it names: its controller acts on the object, or has acted. Only
//! then mutations keep values for it there, and rules count it as an owner. A Rollout's status alone never says so in
//! another namespace: whoever may write Rollouts can write it.

use std::rc::Rc;

use super::claims::{Answer, Requirement};
use super::flow::Flow;
use super::view::View;
use crate::model::{Key, Kind, Rollout, Typed, VirtualService};

/// What a Rollout is to an object that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Its controller acts on the object, or the object shows that it has.
    Effective,
    /// The object is of its own namespace, and the controller refuses the Rollout before its first reconcile.
    Pending,
    /// None: it does not name the object, or cannot act on one of another namespace.
    Ineffective,
}

impl<'a> Flow<'a> {
    /// What the Rollout is to the object. In a view with a write the claim before the write counts too: a write must
    /// not escape the judgement of a flow by breaking it.
    pub fn claim(&self, key: &Key) -> Claim {
        let claim = self.present_claim(key);
        if claim == Claim::Effective || !self.view.is_written() {
            return claim;
        }
        let before = self.view.before();
        let old = before.rollout(self.key());
        let was_effective = old.is_some_and(|rollout| {
            let old = Flow::of(rollout, before);
            // What the object shows is then the word of a Rollout beside it.
            if self.is_taken(key) {
                old.acts_on(key)
            } else {
                old.present_claim(key) == Claim::Effective
            }
        });
        if was_effective {
            Claim::Effective
        } else {
            claim
        }
    }

    /// Whether the claim is [`Claim::Effective`].
    pub fn is_effective_for(&self, key: &Key) -> bool {
        self.claim(key) == Claim::Effective
    }

    /// The other Rollouts that are effective for the object, without those that are being deleted.
    pub fn other_owners(&self, key: &Key) -> impl Iterator<Item = Typed<'a, Rollout>> {
        let (view, own) = (self.view, self.key());
        let owners = view.owners(key);
        let mut at = 0..owners.len();
        std::iter::from_fn(move || at.find_map(|at| view.rollout(&owners.get(at)?.value)))
            .filter(move |other| other.meta.key != *own)
    }

    /// Notes what makes another Rollout an owner of the object: a finding rests on the owners that it names.
    pub fn note_owner(&self, owner: &Key, key: &Key) {
        let owners = self.view.owners(key);
        let owner = owners.iter().find(|other| other.value == *owner);
        if let Some(owner) = owner {
            self.view.note_answer(owner);
        }
    }

    /// Whether the Rollout names the object.
    pub fn names(&self, key: &Key) -> bool {
        self.view.is_naming(self.key(), key)
    }

    fn present_claim(&self, key: &Key) -> Claim {
        let is_claimed = !self.rollout.meta.deleting && self.names(key);
        match (is_claimed, self.is_beside(key)) {
            (true, _) if self.acts_on(key) || self.has_acted_on(key) => Claim::Effective,
            (true, true) => Claim::Pending,
            _ => Claim::Ineffective,
        }
    }

    /// Whether the object is of its own namespace.
    fn is_beside(&self, key: &Key) -> bool {
        key.namespace == self.key().namespace
    }

    fn acts_on(&self, key: &Key) -> bool {
        if self.rollout.meta.deleting || !self.names(key) {
            return false;
        }
        if self.is_beside(key) {
            self.rollout.status.is_reconciled() || self.meets(Requirement::Accepted)
        } else {
            self.meets(Requirement::Complete)
        }
    }

    /// Whether a Rollout of the object's namespace names it, and this one is of another.
    fn is_taken(&self, key: &Key) -> bool {
        let is_other =
            |other: &Key| other.kind == Kind::Rollout && other.namespace == key.namespace;
        !self.is_beside(key) && self.view.naming(key).any(is_other)
    }

    fn meets(&self, requirement: Requirement) -> bool {
        let Some(meets) = self.view.validation else {
            return true;
        };
        let meets = || meets(self.rollout, &self.view, requirement);
        let Some(claims) = self.view.claims() else {
            return meets();
        };
        let asked = (self.key().clone(), requirement);
        let met = claims.met(asked, || Answer::of(self.view.facts, meets));
        self.view.note_answer(&met);
        met.value
    }

    /// Whether the stored object shows that the controller has acted on it for this Rollout.
    fn has_acted_on(&self, key: &Key) -> bool {
        let stored = if self.view.is_written() {
            self.view.before()
        } else {
            self.view
        };
        match key.kind {
            Kind::VirtualService => self.has_routed(key, &stored),
            _ => stored.get(key).is_some_and(|object| {
                let owner = object.meta.managed_by.as_deref();
                owner == Some(self.rollout.meta.name())
            }),
        }
    }

    /// Whether the controller owns the routes or has given them up, and no other Rollout explains that.
    fn has_routed(&self, key: &Key, stored: &View<'_>) -> bool {
        let manager = &stored.mesh().controller_manager;
        let service = stored.virtual_service(key);
        let is_the_controllers = |service: Typed<'_, VirtualService>| {
            service.routes_given_up || service.route_managers.contains(manager)
        };
        service.is_some_and(is_the_controllers)
            && !self.is_taken(key)
            && stored.naming(key).all(|other| other == self.key())
    }
}

impl<'a> View<'a> {
    /// The flows that name the object and may hold values in it, those of its own namespace first. What was read of
    /// other Rollouts is not noted: a decision does not rest on them.
    pub fn flows_with_claim(&self, key: &Key) -> Vec<Flow<'a>> {
        let claiming = |name: &Key| {
            let flow = Flow::of(self.rollout(name)?, *self);
            (flow.claim(key) != Claim::Ineffective).then_some(flow)
        };
        let mut names: Vec<&Key> = self.naming(key).collect();
        names.sort_by_key(|name| name.namespace != key.namespace);
        let answers = names
            .into_iter()
            .map(|name| Answer::of(self.facts, || claiming(name)));
        let flows = answers.filter_map(|answer| {
            if answer.value.is_some() {
                self.note_answer(&answer);
            }
            answer.value
        });
        flows.collect()
    }

    /// Notes that what is read through the view rests on the answer.
    fn note_answer<T>(&self, answer: &Answer<T>) {
        for fact in &answer.facts {
            self.note(|| fact.clone());
        }
    }

    /// The Rollouts that are effective for the object.
    fn owners(&self, key: &Key) -> Rc<Vec<Answer<Key>>> {
        let is_owner = |name: &Key| {
            let rollout = self.rollout(name);
            rollout.is_some_and(|rollout| Flow::of(rollout, *self).is_effective_for(key))
        };
        let find = || {
            let answers = self
                .naming(key)
                .map(|name| (name, Answer::of(self.facts, || is_owner(name))));
            let owners = answers.filter(|(_, answer)| answer.value);
            owners
                .map(|(name, Answer { facts, .. })| Answer {
                    value: name.clone(),
                    facts,
                })
                .collect()
        };
        match self.claims() {
            Some(claims) => claims.owners(key.clone(), find),
            None => Rc::new(find()),
        }
    }
}
