//! What the controller of one Rollout may write into the routes of a VirtualService.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::same_fields::{at, elements, is_same_without};
use crate::cluster::{Flow, List, ManagedRoute, Role, Roles};
use crate::model::{Destination, HttpRoute, Key, RouteDestination, Typed, VirtualService};

/// The controller of one Rollout, over one VirtualService.
pub(super) struct RouteWriter<'a> {
    flow: Flow<'a>,
    roles: Roles<'a>,
    /// The routes of the stored object whose weights it writes.
    managed: BTreeMap<(List, usize), &'a [RouteDestination]>,
    /// The names of the routes that it inserts and removes.
    inserted: BTreeSet<&'a str>,
}

impl<'a> RouteWriter<'a> {
    pub fn of(flow: Flow<'a>, key: &Key, old: Typed<'a, VirtualService>) -> Option<Self> {
        let links = flow.virtual_service_links();
        let managed = links.filter(|link| link.key == *key).flat_map(|link| {
            ManagedRoute::weighted(&flow.rollout, old.body, link.reference, flow.argo())
        });
        let steps = flow.canary().into_iter().flat_map(|canary| &canary.steps);
        let routes =
            steps.flat_map(|step| step.set_header_route.iter().chain(&step.set_mirror_route));
        let inserted = flow
            .inserted_routes()
            .iter()
            .chain(routes.map(|route| &route.name));
        Some(Self {
            flow,
            roles: flow.roles()?,
            managed: managed
                .map(|route| ((route.list, route.index), route.destinations))
                .collect(),
            inserted: inserted.map(String::as_str).collect(),
        })
    }

    pub fn makes_lists(&self, old: &Value, new: &Value, http: &[HttpRoute]) -> bool {
        let lists = |list: List| (elements(old, list.field()), elements(new, list.field()));
        let l4 = |list| {
            let (old, new) = lists(list);
            self.makes(list, old.iter().enumerate(), new.iter())
        };
        let (old, new) = lists(List::Http);
        l4(List::Tls) && l4(List::Tcp) && self.makes_http(old, new, http)
    }

    /// The user's routes stay in their order, or in the one that `orderRoutes` makes of routes with one name:
    /// each of them stands there once for each of them.
    fn makes_http(&self, old: &[Value], new: &[Value], parsed: &[HttpRoute]) -> bool {
        let is_inserted = |route: &Value| {
            let name = at(route, "name").as_str().unwrap_or_default();
            self.inserted.contains(name)
        };
        let users: Vec<(usize, &Value)> = old
            .iter()
            .enumerate()
            .filter(|(_, route)| !is_inserted(route))
            .collect();
        let mut named: BTreeMap<Option<&str>, Vec<(usize, &Value)>> = BTreeMap::new();
        for (index, route) in &users {
            named
                .entry(at(route, "name").as_str())
                .or_default()
                .push((*index, route));
        }
        let ordered = users
            .iter()
            .flat_map(|(_, route)| named.get(&at(route, "name").as_str()).into_iter().flatten());
        let theirs = || new.iter().filter(|route| !is_inserted(route));
        let standing: BTreeMap<Option<&str>, (usize, &Value)> = old
            .iter()
            .enumerate()
            .filter(|(_, route)| is_inserted(route))
            .map(|(index, route)| (at(route, "name").as_str(), (index, route)))
            .collect();
        let mut inserted = new
            .iter()
            .zip(parsed)
            .filter(|(route, _)| is_inserted(route));
        inserted.all(|(route, parsed)| {
            let old = standing.get(&at(route, "name").as_str());
            old.is_some_and(|(index, old)| self.makes_route(List::Http, *index, old, route))
                || self.inserts(route, parsed)
        }) && (self.makes(List::Http, users.iter().copied(), theirs())
            || self.makes(List::Http, ordered.copied(), theirs()))
    }

    fn makes<'v>(
        &self,
        list: List,
        mut old: impl Iterator<Item = (usize, &'v Value)>,
        mut new: impl Iterator<Item = &'v Value>,
    ) -> bool {
        let same = new.all(|new| {
            let old = old.next();
            old.is_some_and(|(index, old)| self.makes_route(list, index, old, new))
        });
        same && old.next().is_none()
    }

    fn makes_route(&self, list: List, index: usize, old: &Value, new: &Value) -> bool {
        if old == new {
            return true;
        }
        let Some(destinations) = self.managed.get(&(list, index)) else {
            return false;
        };
        is_same_without(old, new, &["route"])
            && self.splits(destinations, elements(old, "route"), elements(new, "route"))
    }

    /// As `SetWeight` leaves the destinations: in their order, without those that have no role, and with those of
    /// experiments at the end. When it deletes one it may add another again, by its Service alone.
    fn splits(&self, parsed: &[RouteDestination], old: &[Value], new: &[Value]) -> bool {
        let mut rest = new.iter().peekable();
        let mut services = BTreeSet::new();
        for (old, parsed) in old.iter().zip(parsed) {
            let destination = parsed.destination.as_ref();
            services.extend(destination.map(Destination::service_name));
            let kept = rest.next_if(|next| is_same_without(old, next, &["weight"]));
            let role = destination.and_then(|to| self.roles.role(to));
            if kept.is_none() && !matches!(role, None | Some(Role::Experiment)) {
                return false;
            }
        }
        rest.all(|added| {
            let to = at(added, "destination");
            let host = at(to, "host").as_str().unwrap_or_default();
            is_same_without(added, &Value::Null, &["destination", "weight"])
                && is_same_without(to, &Value::Null, &["host"])
                && (services.contains(host) || runs_experiments(&self.flow) && !host.contains('.'))
        })
    }

    /// Whether it may insert the route: with a match, and to destinations of the flow.
    fn inserts(&self, route: &Value, parsed: &HttpRoute) -> bool {
        let fields = ["name", "match", "route", "mirror", "mirrorPercentage"];
        let routed = parsed.route.iter().flatten();
        let mut destinations = routed
            .map(|entry| entry.destination.as_ref())
            .chain(parsed.mirror.iter().map(Some));
        let matches = elements(route, "match");
        is_same_without(route, &Value::Null, &fields)
            && !matches.is_empty()
            && matches
                .iter()
                .all(|one| one.as_object().is_some_and(|one| !one.is_empty()))
            && destinations.all(|to| to.is_some_and(|to| self.roles.role(to).is_some()))
    }
}

/// The status names an experiment only after the first write for it.
pub(super) fn runs_experiments(flow: &Flow<'_>) -> bool {
    let mut steps = flow.canary().into_iter().flat_map(|canary| &canary.steps);
    steps.any(|step| step.experiment.is_some()) || !flow.rollout.status.experiments().is_empty()
}
