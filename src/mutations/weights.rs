//! Keeps the weights of managed routes, which the controller writes.
//!
//! ## What
//! In the managed routes (http, tls, tcp, and inserted mirror routes) the canary, stable and experiment destinations
//! keep their live weights. They are matched by role and not by position. Destinations in `additionalSubsetNames`
//! keep the weight in the write; if their sum changes, stable gets the rest of 100. Destinations of a running
//! experiment that the write removes are added after the user's. If the Rollout lists no `routes`, the only route of
//! the user's is managed even while an inserted route exists.
//!
//! Live weights are used if the Rollout's `status.canary.weights` is set or the controller's field manager owns the
//! list; before that they are the user's. On a CREATE, and for a role without a live destination, the canary's weight
//! comes from the status. On an UPDATE the status is used only if somebody else owns the live list, the status is of
//! the current revisions, the stable destination does not have the hash of another one, and it gives the canary *less*: the mutation can take traffic from a canary but never gives
//! it more, because the canary's pods may no longer exist.
//!
//! If in the middle of a release the Rollout comes to name VirtualServices of which none exists in the cluster, the
//! controller refuses it, and the weights in force are those that it wrote last. The VirtualService that it named before keeps them in all
//! routes with a canary and a stable destination, as long as no Rollout names it and nobody else has written its routes.
//!
//! ## Why
//! If the file is applied again while the canary has 5 %, the 50/50 of the file is stored, and half of the traffic
//! goes to the new version. While pods are not ready, the controller does not correct it.
//!
//! ## Not when
//! The mutation changes nothing for a Rollout of another namespace whose controller cannot act on the VirtualService:
//! something that it needs is missing or refused, and the live routes are not the controller's. It changes nothing
//! if the Rollout does not name the VirtualService or the route, or if a managed route
//! has no canary or no stable destination, which rules RG202 and RG204 report.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::input::Input;
use super::patch::{Kept, Patch};
use super::split::{Asked, Counterparts, Live, Split, sum};
use crate::cluster::{Flow, List, ManagedRoute, Role, Roles};
use crate::model::{
    Destination, HASH_LABEL, Key, Kind, Object, RouteDestination, Typed, VirtualService,
};

mutation!(VirtualService(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let Some(service) = input.write.new.as_ref().and_then(Object::virtual_service) else {
        return;
    };
    if is_settled(input, service) {
        return;
    }
    for flow in input.flows() {
        let Some(roles) = flow.roles() else { continue };
        let own = flow.virtual_services();
        for linked in own.filter(|linked| linked.link.key == *input.key()) {
            let weights = FlowWeights {
                flow: &flow,
                roles: &roles,
                input,
            };
            let (reference, argo) = (linked.link.reference, flow.argo());
            let routes = ManagedRoute::weighted(&flow.rollout, &service, reference, argo);
            weights.keep_all(&service, routes, patch);
        }
    }
    keep_of_left(input, &service, patch);
}

/// Keeps the weights of a flow that no longer names the VirtualService: which routes were its own, it does not say any
/// more.
fn keep_of_left(input: &Input<'_>, service: &VirtualService, patch: &mut Patch) {
    let live = input.write.old.as_ref().and_then(Object::virtual_service);
    let Some(flow) = live.and_then(|live| input.view.flow_that_left(live)) else {
        return;
    };
    if let Some(roles) = flow.roles() {
        let weights = FlowWeights {
            flow: &flow,
            roles: &roles,
            input,
        };
        weights.keep_all(service, ManagedRoute::all(service), patch);
    }
}

/// Whether the write has the live weights by itself, and no status can change them: then there is no patch, and nothing
/// need be known of the Rollouts as they are now.
fn is_settled(input: &Input<'_>, service: Typed<'_, VirtualService>) -> bool {
    let live = input.write.old.as_ref().and_then(Object::virtual_service);
    let same = live.is_some_and(|live| {
        live.http() == service.http() && live.tls() == service.tls() && live.tcp() == service.tcp()
    });
    let settled = || {
        input
            .flows()
            .all(|flow| is_settled_for(&flow, input, &service))
    };
    same && input.view.without_noting(settled)
}

/// A status can lower the weight of a canary that has some, where somebody else than the controller owns the list, and
/// fills up routes of which no destination has any. With ping and pong it says which of the two is the canary.
fn is_settled_for(flow: &Flow<'_>, input: &Input<'_>, service: &VirtualService) -> bool {
    let Some(roles) = flow.roles() else {
        return true;
    };
    let has_pair = flow
        .canary()
        .is_some_and(|canary| canary.ping_pong.is_some());
    let is_settled = |(list, route): (List, &[RouteDestination])| {
        let has_weight = |role| weight_of(route, role, &roles) != 0;
        let owned = || input.controller_owns(&["spec", list.field()]);
        let is_weighted = [Role::Canary, Role::Stable, Role::Additional].map(has_weight);
        is_weighted.contains(&true)
            && is_uniform(route, &roles)
            && (owned() || !has_pair && !has_weight(Role::Canary))
    };
    let http = service
        .http()
        .iter()
        .map(|route| (List::Http, &route.route));
    let tls = service.tls().iter().map(|route| (List::Tls, &route.route));
    let tcp = service.tcp().iter().map(|route| (List::Tcp, &route.route));
    let routes = http.chain(tls).chain(tcp);
    let mut routes = routes.filter_map(|(list, route)| Some((list, route.as_deref()?)));
    routes.all(is_settled)
}

/// What the destinations of the role have together.
fn weight_of(route: &[RouteDestination], role: Role, roles: &Roles<'_>) -> i64 {
    let has_role = |to: &Destination| roles.role(to) == Some(role);
    let of_role = route
        .iter()
        .filter(|to| to.destination.as_ref().is_some_and(has_role));
    sum(of_role.map(|to| to.weight.unwrap_or_default()))
}

/// Whether destinations that get one weight have it: all of the canary, all of the stable role, and those of one
/// Service, which may be an experiment's.
fn is_uniform(route: &[RouteDestination], roles: &Roles<'_>) -> bool {
    let mut weights = HashMap::new();
    let mut entries = route
        .iter()
        .filter_map(|to| Some((to.destination.as_ref()?, to.weight.unwrap_or_default())));
    entries.all(|(to, weight)| {
        let of = match roles.role(to) {
            Some(role @ (Role::Canary | Role::Stable)) => (Some(role), ""),
            _ => (None, to.service_name()),
        };
        *weights.entry(of).or_insert(weight) == weight
    })
}

/// What one flow owns in the written VirtualService.
struct FlowWeights<'a> {
    flow: &'a Flow<'a>,
    roles: &'a Roles<'a>,
    input: &'a Input<'a>,
}

impl FlowWeights<'_> {
    fn keep_all(&self, service: &VirtualService, routes: Vec<ManagedRoute<'_>>, patch: &mut Patch) {
        let live = self
            .input
            .write
            .old
            .as_ref()
            .and_then(Object::virtual_service);
        let counterparts = live.map(|live| Counterparts::of(live.body, service));
        for route in routes {
            if self.has_both(&route) {
                let live = counterparts.as_ref();
                let live = live.and_then(|live| Live::of(live, &route, self.roles));
                self.keep(&route, live.as_ref(), patch);
            }
        }
    }

    /// Whether the route has a canary and a stable destination; without both it is the rules' affair.
    fn has_both(&self, route: &ManagedRoute<'_>) -> bool {
        let has = |role| destinations(route).any(|(_, to, _)| self.roles.role(to) == Some(role));
        has(Role::Canary) && has(Role::Stable)
    }

    fn keep(&self, route: &ManagedRoute<'_>, live: Option<&Live<'_>>, patch: &mut Patch) {
        let list = ["spec", route.list.field()];
        let status = &self.flow.rollout.status;
        let elsewhere = status.weights.is_some() && self.is_stable_elsewhere();
        let owned = self.input.controller_owns(&list) || elsewhere;
        let Some(split) = Split::of(status, live, &self.asked(route), owned) else {
            return;
        };
        // A route that two flows claim is the first one's: half of each would be neither's.
        if !patch.settle(&route.path()) {
            return;
        }
        let mut changed = false;
        for (index, destination, weight) in destinations(route) {
            let Some(kept) = self.kept(destination, &split) else {
                continue;
            };
            let path = route.path().field("route").index(index).field("weight");
            if kept == weight {
                // Or stands for it: an absent weight is 0.
                patch.settle(&path);
            } else {
                changed |= patch.set(&path, Value::from(kept));
            }
        }
        changed |= self.restore_experiments(route, live, patch);
        if changed {
            let (label, owner) = (route.label(), self.flow.key());
            let (canary, stable) = (split.canary, split.stable);
            let what = format!("weights {canary}/{stable} of route {label}");
            patch.keep(Kept::Several(what), owner);
        }
    }

    /// Whether the stable destination selects other pods than the stable ones, as after roles were swapped: what the
    /// status takes from the canary would go to them.
    fn is_stable_elsewhere(&self) -> bool {
        let (flow, roles) = (self.flow, self.roles);
        let linked = flow.destination_rule();
        let subset = roles.rule.map(|rule| &rule.stable_subset_name);
        let subset = linked
            .zip(subset)
            .and_then(|(linked, name)| linked.rule.body.subset(name));
        let service = Key::new(Kind::Service, &flow.key().namespace, roles.stable_service);
        let labels = match subset {
            Some((_, subset)) => subset.labels.as_ref(),
            None => flow
                .view
                .service(&service)
                .and_then(|service| service.body.selector.as_ref()),
        };
        let hash = labels.and_then(|labels| labels.get(HASH_LABEL));
        let stable = &flow.rollout.status.stable_rs;
        hash.is_some_and(|hash| !stable.is_empty() && hash != stable)
    }

    /// The weight that a destination keeps; `None` for one that is the user's.
    fn kept(&self, destination: &Destination, split: &Split<'_>) -> Option<i64> {
        match self.roles.role(destination)? {
            Role::Canary => Some(split.canary),
            Role::Stable => Some(split.stable),
            Role::Experiment => split.experiment(destination.service_name()),
            Role::Additional => None,
        }
    }

    /// What the write says of the destinations that are not canary or stable.
    fn asked<'b>(&self, route: &ManagedRoute<'b>) -> Asked<'b> {
        let of =
            |role| destinations(route).filter(move |(_, to, _)| self.roles.role(to) == Some(role));
        let experiments = of(Role::Experiment);
        Asked {
            additional: sum(of(Role::Additional).map(|(_, _, weight)| weight)),
            experiments: experiments
                .map(|(_, to, weight)| (to.service_name(), weight))
                .collect(),
        }
    }

    /// Puts back the experiment's destinations that live has and the write dropped.
    fn restore_experiments(
        &self,
        route: &ManagedRoute<'_>,
        live: Option<&Live<'_>>,
        patch: &mut Patch,
    ) -> bool {
        let Some(live) = live else { return false };
        let list = route.path().field("route");
        let written = destinations(route).map(|(_, to, _)| to.service_name());
        let written: HashSet<&str> = written.collect();
        let mut restored = false;
        for (index, service) in &live.experiments_at {
            if written.contains(service) {
                continue;
            }
            let path = live.path.field("route").index(*index);
            if let Some(entry) = self.input.live_entry(&path) {
                restored |= patch.append(&list, service, entry);
            }
        }
        restored
    }
}

/// The destinations of a route with their indexes and weights, 0 where none is written.
fn destinations<'a>(
    route: &ManagedRoute<'a>,
) -> impl Iterator<Item = (usize, &'a Destination, i64)> {
    let weighted = route.destinations.iter().enumerate();
    weighted.filter_map(|(index, one)| {
        Some((
            index,
            one.destination.as_ref()?,
            one.weight.unwrap_or_default(),
        ))
    })
}
