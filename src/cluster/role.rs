//! The role of a destination in a flow: canary, stable, experiment or additional, in the controller's order.

use crate::model::{Canary, Destination, DestinationRuleRef, Rollout, WeightDestination};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Canary,
    Stable,
    /// Of a running experiment.
    Experiment,
    /// In `additionalSubsetNames`: the user's own weight.
    Additional,
}

/// By what a Rollout tells roles apart.
#[derive(Clone, Copy, Debug)]
pub struct Roles<'a> {
    /// Service names; empty when the Rollout names none.
    pub canary_service: &'a str,
    pub stable_service: &'a str,
    pub rule: Option<&'a DestinationRuleRef>,
    experiments: &'a [WeightDestination],
}

impl<'a> Roles<'a> {
    /// `None` for a Rollout without a canary strategy.
    pub fn of(rollout: &'a Rollout) -> Option<Self> {
        let canary = rollout.canary.as_ref()?;
        let stable_is_ping = rollout.status.stable_ping_pong == "ping";
        let (stable_service, canary_service) = services(canary, stable_is_ping);
        Some(Self {
            canary_service,
            stable_service,
            rule: rollout.istio()?.destination_rule.as_ref(),
            experiments: rollout.status.experiments(),
        })
    }

    /// The destination's role; `None` for one the controller would delete, or one whose host begins
    /// with a dot, which it passes over.
    pub fn role(&self, destination: &Destination) -> Option<Role> {
        let service = destination.service_name();
        if service.is_empty() {
            return None;
        }
        if self.is_canary(destination) {
            Some(Role::Canary)
        } else if self.is_stable(destination) {
            Some(Role::Stable)
        } else if self.experiment(service).is_some() {
            Some(Role::Experiment)
        } else if self.is_additional(&destination.subset) {
            Some(Role::Additional)
        } else {
            None
        }
    }

    /// Whether validation counts the destination as the canary: by subset with a DestinationRule, by
    /// Service without. Stricter than [`Roles::role`].
    pub fn proves_canary(&self, destination: &Destination) -> bool {
        match self.rule {
            Some(rule) => same(&destination.subset, &rule.canary_subset_name),
            None => same(destination.service_name(), self.canary_service),
        }
    }

    pub fn proves_stable(&self, destination: &Destination) -> bool {
        match self.rule {
            Some(rule) => same(&destination.subset, &rule.stable_subset_name),
            None => same(destination.service_name(), self.stable_service),
        }
    }

    /// The running experiment's destination of that Service name.
    pub fn experiment(&self, service: &str) -> Option<&'a WeightDestination> {
        let mut experiments = self.experiments.iter();
        experiments.find(|experiment| experiment.service_name == service)
    }

    fn is_canary(&self, destination: &Destination) -> bool {
        let subset = self.rule.map_or("", |rule| &rule.canary_subset_name);
        same(destination.service_name(), self.canary_service) || same(&destination.subset, subset)
    }

    fn is_stable(&self, destination: &Destination) -> bool {
        let subset = self.rule.map_or("", |rule| &rule.stable_subset_name);
        same(destination.service_name(), self.stable_service) || same(&destination.subset, subset)
    }

    fn is_additional(&self, subset: &str) -> bool {
        let additional = self
            .rule
            .and_then(|rule| rule.additional_subset_names.as_ref());
        let mut names = additional.into_iter().flatten();
        !subset.is_empty() && names.any(|name| name == subset)
    }
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Canary => "canary",
            Role::Stable => "stable",
            Role::Experiment => "experiment",
            Role::Additional => "additional",
        }
    }
}

/// Stable and canary Service names: ping and pong only where neither field is set.
fn services(canary: &Canary, stable_is_ping: bool) -> (&str, &str) {
    let named = !canary.canary_service.is_empty() || !canary.stable_service.is_empty();
    match &canary.ping_pong {
        Some(pair) if !named && stable_is_ping => (&pair.ping_service, &pair.pong_service),
        Some(pair) if !named => (&pair.pong_service, &pair.ping_service),
        _ => (&canary.stable_service, &canary.canary_service),
    }
}

fn same(name: &str, wanted: &str) -> bool {
    !name.is_empty() && name == wanted
}
