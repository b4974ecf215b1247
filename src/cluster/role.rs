//! The role of a destination in a flow: canary, stable, experiment or additional, in the controller's order.

use std::collections::{HashMap, HashSet};

use super::argo::ArgoVersion;
use crate::model::{Canary, Destination, DestinationRuleRef, PingPong, Rollout, WeightDestination};

/// What a destination is for a flow (`validateVirtualServiceHTTPRouteDestinations`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Gets the weight of the step.
    Canary,
    /// Gets what the others leave of 100.
    Stable,
    /// Of a running experiment.
    Experiment,
    /// In `additionalSubsetNames`: the user's own weight.
    Additional,
}

/// The Services and subsets by which the controller finds the role of a destination.
#[derive(Clone, Debug)]
pub struct Roles<'a> {
    /// Empty if the Rollout names none.
    pub canary_service: &'a str,
    /// The Service of stable destinations; with `pingPong` it changes at each promotion. Empty if there is none.
    pub stable_service: &'a str,
    /// With it, the subsets decide before the Services.
    pub rule: Option<&'a DestinationRuleRef>,
    /// The destinations of a running experiment by their Services.
    experiments: HashMap<&'a str, &'a WeightDestination>,
    /// Subsets whose weights are the user's own.
    additional: HashSet<&'a str>,
}

impl<'a> Roles<'a> {
    /// `None` for a Rollout without a canary strategy.
    pub fn of(rollout: &'a Rollout, argo: ArgoVersion) -> Option<Self> {
        let canary = rollout.canary.as_ref()?;
        let pair = canary.ping_pong.as_ref();
        let pair = pair.filter(|_| argo.routes_ping_pong_with_istio());
        let (stable_service, canary_service) =
            services(canary, pair, rollout.status.stable_is_ping());
        let rule = rollout.istio()?.destination_rule.as_ref();
        let additional = rule.and_then(|rule| rule.additional_subset_names.as_deref());
        let additional = additional.filter(|_| argo.keeps_additional_subsets());
        let mut experiments = HashMap::new();
        for experiment in rollout.status.experiments() {
            let service = experiment.service_name.as_str();
            experiments.entry(service).or_insert(experiment);
        }
        Some(Self {
            canary_service,
            stable_service,
            rule,
            experiments,
            additional: additional
                .unwrap_or_default()
                .iter()
                .map(String::as_str)
                .collect(),
        })
    }

    /// The destination's role; `None` if the controller would delete it, or if its host begins with a dot and
    /// the controller ignores it.
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

    /// Whether the controller's validation accepts the destination as the canary: by subset with a
    /// DestinationRule, by Service without. This is stricter than [`Roles::role`].
    pub fn proves_canary(&self, destination: &Destination) -> bool {
        match self.rule {
            Some(rule) => same(&destination.subset, &rule.canary_subset_name),
            None => same(destination.service_name(), self.canary_service),
        }
    }

    /// The same for the stable destination.
    pub fn proves_stable(&self, destination: &Destination) -> bool {
        match self.rule {
            Some(rule) => same(&destination.subset, &rule.stable_subset_name),
            None => same(destination.service_name(), self.stable_service),
        }
    }

    /// The destination of a running experiment with that Service.
    pub fn experiment(&self, service: &str) -> Option<&'a WeightDestination> {
        self.experiments.get(service).copied()
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
        !subset.is_empty() && self.additional.contains(subset)
    }
}

impl Role {
    /// The role as messages call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Canary => "canary",
            Role::Stable => "stable",
            Role::Experiment => "experiment",
            Role::Additional => "additional",
        }
    }
}

/// The names of the stable and the canary Service: ping and pong only if neither field is set.
fn services<'a>(
    canary: &'a Canary,
    pair: Option<&'a PingPong>,
    stable_is_ping: bool,
) -> (&'a str, &'a str) {
    let named = !canary.canary_service.is_empty() || !canary.stable_service.is_empty();
    match pair {
        Some(pair) if !named && stable_is_ping => (&pair.ping_service, &pair.pong_service),
        Some(pair) if !named => (&pair.pong_service, &pair.ping_service),
        _ => (&canary.stable_service, &canary.canary_service),
    }
}

fn same(name: &str, wanted: &str) -> bool {
    !name.is_empty() && name == wanted
}
