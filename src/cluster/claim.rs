//! Whether a Rollout is effective for an object that it names: its controller acts on the object, or has acted. Only
//! then mutations keep values for it there, and rules count it as an owner. A Rollout's status alone never says so in
//! another namespace: whoever may write Rollouts can write it.

use super::flow::Flow;
use super::reference;
use super::view::{Requirement, View};
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
        match before.rollout(self.key()) {
            Some(rollout) => match Flow::of(rollout, before).present_claim(key) {
                Claim::Effective => Claim::Effective,
                Claim::Pending | Claim::Ineffective => claim,
            },
            None => claim,
        }
    }

    pub fn is_effective_for(&self, key: &Key) -> bool {
        self.claim(key) == Claim::Effective
    }

    /// The other Rollouts that are effective for the object, without those that are being deleted.
    pub fn other_owners(&self, key: &Key) -> impl Iterator<Item = Typed<'a, Rollout>> {
        let view = self.view;
        let others = self.others_using(key);
        others.filter(move |other| Flow::of(*other, view).is_effective_for(key))
    }

    /// Whether the Rollout names the object.
    pub fn names(&self, key: &Key) -> bool {
        let mut named = reference::named(self.rollout, self.argo());
        named.any(|(_, named)| named == *key)
    }

    fn present_claim(&self, key: &Key) -> Claim {
        if self.rollout.meta.deleting || !self.names(key) {
            return Claim::Ineffective;
        }
        let is_own = key.namespace == self.key().namespace;
        let acts = if is_own {
            self.rollout.status.is_reconciled() || self.meets(Requirement::Accepted)
        } else {
            self.meets(Requirement::Complete)
        };
        match (acts || self.has_acted_on(key), is_own) {
            (true, _) => Claim::Effective,
            (false, true) => Claim::Pending,
            (false, false) => Claim::Ineffective,
        }
    }

    fn meets(&self, requirement: Requirement) -> bool {
        let validation = self.view.validation;
        validation.is_none_or(|meets| meets(self.rollout, &self.view, requirement))
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
            && stored.naming(key).iter().all(|other| other == self.key())
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
        let mut names = self.naming(key);
        names.sort_by_key(|name| name.namespace != key.namespace);
        let flows = names.iter();
        flows
            .filter_map(|name| self.noting_some(|| claiming(name)))
            .collect()
    }
}
