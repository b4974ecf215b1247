//! How the traffic of one managed route is split, and from where that is known: the live object, or the
//! Rollout's status where the live object does not say.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::cluster::{List, ManagedRoute, Role, Roles};
use crate::field::Path;
use crate::model::{L4Match, L4Route, RouteDestination, Status, VirtualService, WeightDestination};

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

/// What the write itself says of the route.
pub(super) struct Asked<'a> {
    /// The sum that it gives to additional destinations.
    pub additional: i64,
    /// Its experiment destinations' Services and weights.
    pub experiments: Vec<(&'a str, i64)>,
}

/// What each role of a written route shall have.
pub(super) struct Split<'a> {
    pub canary: i64,
    pub stable: i64,
    experiments: HashMap<&'a str, i64>,
}

impl<'a> Live<'a> {
    /// The live counterpart of a written managed route.
    pub fn of(
        counterparts: &Counterparts<'a>,
        route: &ManagedRoute<'_>,
        roles: &Roles<'_>,
    ) -> Option<Self> {
        let live = counterparts.live;
        let index = counterparts.of_route(route)?;
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
        let mut services = HashSet::new();
        for (index, one) in destinations.unwrap_or_default().iter().enumerate() {
            found.add(index, one, roles, &mut services);
        }
        Some(found)
    }

    /// Of an experiment, the first destination of a Service counts: the controller deletes a second one.
    fn add(
        &mut self,
        index: usize,
        one: &'a RouteDestination,
        roles: &Roles<'_>,
        services: &mut HashSet<&'a str>,
    ) {
        let Some(destination) = &one.destination else {
            return;
        };
        let weight = one.weight.unwrap_or_default();
        match roles.role(destination) {
            Some(Role::Canary) => self.canary = self.canary.or(Some(weight)),
            Some(Role::Stable) => self.stable = self.stable.or(Some(weight)),
            Some(Role::Experiment) => {
                let service = destination.service_name();
                if services.insert(service) {
                    self.experiments.push((service, weight));
                    self.experiments_at.push((index, service));
                }
            }
            Some(Role::Additional) => self.additional = self.additional.saturating_add(weight),
            None => {}
        }
    }

    /// Whether live gives to all but canary and stable what the route will give them.
    fn is_shared_as(&self, asked: &Asked<'_>, experiments: &HashMap<&str, i64>) -> bool {
        self.canary.is_some()
            && self.additional == asked.additional
            && self.experiments.len() == experiments.len()
    }
}

impl<'a> Split<'a> {
    /// `None` where nobody but the administrator has said anything yet. `owned`: the controller's manager
    /// owns the live list.
    pub fn of(
        status: &'a Status,
        live: Option<&Live<'a>>,
        asked: &Asked<'a>,
        owned: bool,
    ) -> Option<Self> {
        let weights = status.weights.as_ref();
        if weights.is_none() && !owned {
            return None;
        }
        let of_live = live.and_then(|live| live.canary);
        let of_status = weights.map(|weights| weights.canary.weight);
        let less = of_status
            .filter(|weight| !owned && is_present(status) && of_live.is_some_and(|w| *weight < w));
        let canary = less.or(of_live).or(of_status)?;
        let experiments = experiments(live, asked, status.experiments());
        let others = sum(experiments.values().copied());
        let others = others.saturating_add(asked.additional);
        let kept = live
            .filter(|live| less.is_none() && live.is_shared_as(asked, &experiments))
            .and_then(|live| live.stable)
            // Of a live route without any weight there is nothing to keep.
            .filter(|stable| *stable != 0 || canary != 0 || others != 0);
        // As the controller reckons it.
        let rest = || 100_i64.saturating_sub(canary).saturating_sub(others).max(0);
        Some(Self {
            canary,
            stable: kept.unwrap_or_else(rest),
            experiments,
        })
    }

    pub fn experiment(&self, service: &str) -> Option<i64> {
        self.experiments.get(service).copied()
    }
}

/// The weights of the experiment's destinations that the route will have: the live ones; for one that the
/// write alone has the status's, but never more than the write's. What only the status lists is left to
/// the controller.
fn experiments<'a>(
    live: Option<&Live<'a>>,
    asked: &Asked<'a>,
    listed: &[WeightDestination],
) -> HashMap<&'a str, i64> {
    let live = live.iter().flat_map(|live| &live.experiments);
    let mut experiments: HashMap<&str, i64> = live.copied().collect();
    let mut said = HashMap::new();
    for one in listed {
        said.entry(one.service_name.as_str()).or_insert(one.weight);
    }
    for (service, weight) in &asked.experiments {
        if let Some(said) = said.get(service) {
            experiments.entry(service).or_insert((*said).min(*weight));
        }
    }
    experiments
}

/// Of weights that somebody wrote, and that may be anything.
pub(super) fn sum(weights: impl Iterator<Item = i64>) -> i64 {
    weights.fold(0, i64::saturating_add)
}

/// Whether the status's weights are of the revisions that there are now.
fn is_present(status: &Status) -> bool {
    status.weights.as_ref().is_some_and(|weights| {
        weights.canary.pod_template_hash == status.current_pod_hash
            && weights.stable.pod_template_hash == status.stable_rs
    })
}

/// The live routes that the written ones stand for: http by name, tls and tcp by what they match; the only route for
/// the only route.
pub(super) struct Counterparts<'a> {
    live: &'a VirtualService,
    written: &'a VirtualService,
    http: HashMap<&'a str, usize>,
    tls: HashMap<&'a [L4Match], usize>,
    tcp: HashMap<&'a [L4Match], usize>,
}

impl<'a> Counterparts<'a> {
    pub fn of(live: &'a VirtualService, written: &'a VirtualService) -> Self {
        Self {
            live,
            written,
            http: firsts(live.http().iter().map(|route| route.name.as_str())),
            tls: firsts(live.tls().iter().map(|route| route.matches.as_slice())),
            tcp: firsts(live.tcp().iter().map(|route| route.matches.as_slice())),
        }
    }

    fn of_route(&self, route: &ManagedRoute<'_>) -> Option<usize> {
        let (live, written) = (self.live, self.written);
        let matches = |routes: &'a [L4Route]| Some(routes.get(route.index)?.matches.as_slice());
        let (same, lengths) = match route.list {
            List::Http => {
                let same = self.http.get(route.name);
                (same, [live.http().len(), written.http().len()])
            }
            List::Tls => {
                let same = self.tls.get(matches(written.tls())?);
                (same, [live.tls().len(), written.tls().len()])
            }
            List::Tcp => {
                let same = self.tcp.get(matches(written.tcp())?);
                (same, [live.tcp().len(), written.tcp().len()])
            }
        };
        same.copied().or_else(|| (lengths == [1, 1]).then_some(0))
    }
}

/// The index of the first of each.
fn firsts<T: Eq + Hash>(all: impl Iterator<Item = T>) -> HashMap<T, usize> {
    let mut firsts = HashMap::new();
    for (index, one) in all.enumerate() {
        firsts.entry(one).or_insert(index);
    }
    firsts
}
