//! How the traffic of one managed route is split, and from where that is known: the live object, or the
//! Rollout's status where the live object does not say.

use crate::cluster::{List, ManagedRoute, Role, Roles};
use crate::field::Path;
use crate::model::{RouteDestination, Status, VirtualService, WeightDestination, Weights};

/// The weights of one live route by role.
pub(super) struct Live<'a> {
    /// Of the route.
    pub path: Path,
    /// `None` where no live destination has the role.
    canary: Option<i64>,
    stable: Option<i64>,
    experiments: Vec<(&'a str, i64)>,
    /// The experiment's destinations by index, with their Service names.
    pub experiments_at: Vec<(usize, &'a str)>,
    additional: i64,
}

/// What each role of a written route shall have.
pub(super) struct Split<'a> {
    pub canary: i64,
    pub stable: i64,
    experiments: Vec<(&'a str, i64)>,
}

impl<'a> Live<'a> {
    /// The live counterpart of a written managed route.
    pub fn of(
        live: &'a VirtualService,
        written: &VirtualService,
        route: &ManagedRoute<'_>,
        roles: &Roles<'_>,
    ) -> Option<Self> {
        let index = counterpart(live, written, route)?;
        let destinations = match route.list {
            List::Http => live.http().get(index)?.route.as_deref(),
            List::Tls => live.tls().get(index)?.route.as_deref(),
            List::Tcp => live.tcp().get(index)?.route.as_deref(),
        };
        let mut found = Self {
            path: Path::spec([route.list.field()]).index(index),
            canary: None,
            stable: None,
            experiments: Vec::new(),
            experiments_at: Vec::new(),
            additional: 0,
        };
        for (index, one) in destinations.unwrap_or_default().iter().enumerate() {
            found.add(index, one, roles);
        }
        Some(found)
    }

    fn add(&mut self, index: usize, one: &'a RouteDestination, roles: &Roles<'_>) {
        let Some(destination) = &one.destination else {
            return;
        };
        let weight = one.weight.unwrap_or_default();
        match roles.role(destination) {
            Some(Role::Canary) => self.canary = self.canary.or(Some(weight)),
            Some(Role::Stable) => self.stable = self.stable.or(Some(weight)),
            Some(Role::Experiment) => {
                self.experiments.push((destination.service_name(), weight));
                self.experiments_at
                    .push((index, destination.service_name()));
            }
            Some(Role::Additional) => self.additional = self.additional.saturating_add(weight),
            None => {}
        }
    }
}

impl<'a> Split<'a> {
    /// `None` where nobody but the administrator has said anything yet. `additional` is the sum that the
    /// write gives to additional destinations; `owned`: the controller's manager owns the live list.
    pub fn of(
        status: &'a Status,
        live: Option<&Live<'a>>,
        additional: i64,
        owned: bool,
    ) -> Option<Self> {
        let weights = status.weights.as_ref();
        let Some(live) = live else {
            return Some(Self::of_status(weights?, additional));
        };
        if weights.is_none() && !owned {
            return None;
        }
        let experiments = experiments(live, status.experiments());
        let from_status = weights.map(|weights| weights.canary.weight);
        let less = from_status.filter(|weight| {
            !owned && is_present(status) && live.canary.is_some_and(|live| *weight < live)
        });
        let canary = less.or(live.canary).or(from_status)?;
        let rest = rest(canary, &experiments, additional);
        let keeps_stable = less.is_none() && live.canary.is_some() && additional == live.additional;
        let stable = live.stable.filter(|_| keeps_stable).unwrap_or(rest);
        Some(Self {
            canary,
            stable,
            experiments,
        })
    }

    fn of_status(weights: &'a Weights, additional: i64) -> Self {
        let listed = weights.additional.iter();
        let experiments: Vec<(&str, i64)> = listed
            .map(|one| (one.service_name.as_str(), one.weight))
            .collect();
        let canary = weights.canary.weight;
        Self {
            canary,
            stable: rest(canary, &experiments, additional),
            experiments,
        }
    }

    pub fn experiment(&self, service: &str) -> Option<i64> {
        let mut experiments = self.experiments.iter();
        let (_, weight) = experiments.find(|(name, _)| *name == service)?;
        Some(*weight)
    }
}

/// The experiment's weights: the live ones, and the status's for those without a live destination.
fn experiments<'a>(live: &Live<'a>, listed: &'a [WeightDestination]) -> Vec<(&'a str, i64)> {
    let mut experiments = live.experiments.clone();
    for one in listed {
        if experiments
            .iter()
            .all(|(name, _)| *name != one.service_name)
        {
            experiments.push((&one.service_name, one.weight));
        }
    }
    experiments
}

/// What is left of 100 for the stable destination, as the controller reckons it.
fn rest(canary: i64, experiments: &[(&str, i64)], additional: i64) -> i64 {
    let taken = experiments
        .iter()
        .fold(canary, |sum, (_, weight)| sum.saturating_add(*weight));
    100_i64
        .saturating_sub(taken)
        .saturating_sub(additional)
        .max(0)
}

/// Whether the status's weights are of the revisions that there are now.
fn is_present(status: &Status) -> bool {
    status.weights.as_ref().is_some_and(|weights| {
        weights.canary.pod_template_hash == status.current_pod_hash
            && weights.stable.pod_template_hash == status.stable_rs
    })
}

/// The live route that a written one stands for: http by name, tls and tcp by what they match; the only
/// route for the only route.
fn counterpart(
    live: &VirtualService,
    written: &VirtualService,
    route: &ManagedRoute<'_>,
) -> Option<usize> {
    let only = |live: usize, written: usize| (live == 1 && written == 1).then_some(0);
    let l4 = |live: &[crate::model::L4Route], written: &[crate::model::L4Route]| {
        let wanted = &written.get(route.index)?.matches;
        let same = live.iter().position(|route| route.matches == *wanted);
        same.or_else(|| only(live.len(), written.len()))
    };
    match route.list {
        List::Http => {
            let same = live
                .http()
                .iter()
                .position(|other| other.name == route.name);
            same.or_else(|| only(live.http().len(), written.http().len()))
        }
        List::Tls => l4(live.tls(), written.tls()),
        List::Tcp => l4(live.tcp(), written.tcp()),
    }
}
