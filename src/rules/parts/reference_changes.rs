//! Which references of a Rollout a write changes, for RG702. It compares what the references resolve to, not their
//! text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use crate::cluster::reference::{self, VirtualServiceLink, istio_path};
use crate::cluster::{ArgoVersion, Flow, List, ManagedRoute, ServiceRole};
use crate::field::Path;
use crate::model::{
    DestinationRuleRef, Istio, Key, Rollout, Typed, VirtualService, VirtualServiceRef,
};

/// A field of the Rollout that refers to something else after the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceChange {
    pub path: Path,
    /// Entries are only added to a list, or a role without a Service gets one.
    pub only_adds: bool,
}

/// The changes of `trafficRouting.istio`, `managedRoutes` and the six Services, in the order of the fields' paths. A
/// field that was removed is reported as the outermost object that was removed with it.
pub fn reference_changes(old: &Flow<'_>, new: &Flow<'_>) -> Vec<ReferenceChange> {
    let mut all = istio(old, new);
    let (old, new) = (old.rollout, new.rollout);
    all.extend(services(old, new));
    all.extend(managed_routes(old, new));
    let mut by_path: BTreeMap<Path, bool> = BTreeMap::new();
    for change in all {
        let only_adds = by_path
            .entry(outermost_removed(change.path, new))
            .or_insert(true);
        *only_adds &= change.only_adds;
    }
    let changes = by_path.into_iter();
    changes
        .map(|(path, only_adds)| ReferenceChange { path, only_adds })
        .collect()
}

impl ReferenceChange {
    fn replaced(path: Path) -> Self {
        Self {
            path,
            only_adds: false,
        }
    }

    /// The change of a list whose order has no meaning; `None` if both have the same entries.
    fn of_set<T: Eq + Hash>(path: Path, old: &[T], new: &[T]) -> Option<Self> {
        let (old, new): (HashSet<&T>, HashSet<&T>) = (old.iter().collect(), new.iter().collect());
        let kept = old.is_subset(&new);
        let same = kept && new.is_subset(&old);
        (!same).then_some(Self {
            path,
            only_adds: kept,
        })
    }
}

fn services(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> Vec<ReferenceChange> {
    let named = |rollout| -> BTreeMap<ServiceRole, Key> {
        let links = reference::services(rollout);
        links.map(|link| (link.role, link.key)).collect()
    };
    let (old, new) = (named(old), named(new));
    let roles = old.keys().chain(new.keys());
    let changed = roles.filter(|role| old.get(role) != new.get(role));
    changed
        .map(|role| ReferenceChange {
            path: role.path(),
            only_adds: !old.contains_key(role),
        })
        .collect()
}

/// The order is significant: the controller inserts the routes in it.
fn managed_routes(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> Option<ReferenceChange> {
    let (old, new) = (old.managed_routes(), new.managed_routes());
    let mut rest = new.iter();
    let only_adds = old.iter().all(|name| rest.any(|other| other == name));
    let routing = Path::spec(["strategy", "canary", "trafficRouting"]);
    let path = routing.field("managedRoutes");
    (old != new).then_some(ReferenceChange { path, only_adds })
}

fn istio(old: &Flow<'_>, new: &Flow<'_>) -> Vec<ReferenceChange> {
    match (old.rollout.istio(), new.rollout.istio()) {
        (None, None) => Vec::new(),
        (Some(old_istio), Some(new_istio)) => {
            let mut all = virtual_services(old, new, new_istio);
            all.extend(destination_rule(old_istio, new_istio));
            all
        }
        _ => vec![ReferenceChange::replaced(istio_path())],
    }
}

/// Compares resolved names: the same reference in `virtualServices` instead of `virtualService` is no change.
fn virtual_services(old: &Flow<'_>, new: &Flow<'_>, istio: &Istio) -> Vec<ReferenceChange> {
    let old_links: Vec<_> = old.virtual_service_links().collect();
    let new_links: Vec<_> = new.virtual_service_links().collect();
    let field = match istio.virtual_services {
        Some(_) => "virtualServices",
        None => "virtualService",
    };
    let mut all = Vec::new();
    let (old_keys, new_by_key) = (by_key(&old_links), by_key(&new_links));
    for link in &old_links {
        match new_by_key.get(&link.key) {
            Some(other) => all.extend(routes(new, link, other)),
            None => all.push(ReferenceChange::replaced(istio_path().field(field))),
        }
    }
    let added = new_links.iter();
    let added = added.filter(|link| !old_keys.contains_key(&link.key));
    all.extend(added.map(|link| ReferenceChange {
        path: link.path(),
        only_adds: true,
    }));
    all
}

/// The first reference to each VirtualService.
fn by_key<'l, 'a>(
    links: &'l [VirtualServiceLink<'a>],
) -> HashMap<&'l Key, &'l VirtualServiceLink<'a>> {
    let mut first = HashMap::new();
    for link in links {
        first.entry(&link.key).or_insert(link);
    }
    first
}

/// Compares the lists. An empty one, of which the controller chooses the route, is no change if the other one lists just
/// that route.
fn routes(
    flow: &Flow<'_>,
    old: &VirtualServiceLink<'_>,
    new: &VirtualServiceLink<'_>,
) -> Vec<ReferenceChange> {
    let path = |list: List| new.path().field(list.reference_field());
    let service = flow.view.virtual_service(&new.key);
    let (old, new) = (old.reference, new.reference);
    let changes = [
        ReferenceChange::of_set(path(List::Http), &old.routes, &new.routes),
        ReferenceChange::of_set(path(List::Tls), &old.tls_routes, &new.tls_routes),
        ReferenceChange::of_set(path(List::Tcp), &old.tcp_routes, &new.tcp_routes),
    ];
    let changes = List::ALL.into_iter().zip(changes);
    let changes = changes.filter(|(list, _)| {
        let Some(service) = service else {
            return true;
        };
        let is_chosen = list.is_listed(old) != list.is_listed(new);
        // Beside a route that the controller inserts, it chooses none.
        let stays_only = *list != List::Http || flow.inserted_routes().is_empty();
        let taken = |reference| taken(*list, service.body, reference, flow.argo());
        !(is_chosen && stays_only && taken(old) == taken(new))
    });
    changes.filter_map(|(_, change)| change).collect()
}

/// The routes of the list whose weights the controller writes.
fn taken(
    list: List,
    service: &VirtualService,
    reference: &VirtualServiceRef,
    argo: ArgoVersion,
) -> Vec<usize> {
    let routes = ManagedRoute::validated(service, reference, argo).into_iter();
    let routes = routes.filter(|route| route.list == list);
    routes.map(|route| route.index).collect()
}

fn destination_rule(old: &Istio, new: &Istio) -> Vec<ReferenceChange> {
    let path = istio_path().field("destinationRule");
    match (&old.destination_rule, &new.destination_rule) {
        (None, None) => Vec::new(),
        (Some(old), Some(new)) => subsets(&path, old, new),
        _ => vec![ReferenceChange::replaced(path)],
    }
}

fn subsets(
    path: &Path,
    old: &DestinationRuleRef,
    new: &DestinationRuleRef,
) -> Vec<ReferenceChange> {
    let names = [
        ("name", &old.name, &new.name),
        (
            "canarySubsetName",
            &old.canary_subset_name,
            &new.canary_subset_name,
        ),
        (
            "stableSubsetName",
            &old.stable_subset_name,
            &new.stable_subset_name,
        ),
    ];
    let changed = names.into_iter().filter(|(_, old, new)| old != new);
    let changed = changed.map(|(field, ..)| ReferenceChange::replaced(path.field(field)));
    let additional = |reference: &DestinationRuleRef| {
        let names = reference.additional_subset_names.clone();
        names.unwrap_or_default()
    };
    let path = path.field("additionalSubsetNames");
    let added = ReferenceChange::of_set(path, &additional(old), &additional(new));
    changed.chain(added).collect()
}

/// The outermost object in the path that the Rollout no longer has, or the path itself.
fn outermost_removed(path: Path, rollout: Typed<'_, Rollout>) -> Path {
    let strategy = Path::spec(["strategy"]);
    let canary = strategy.field("canary");
    let routing = rollout.traffic_routing();
    let pair = rollout.canary.as_ref().map(|canary| &canary.ping_pong);
    let objects = [
        (canary.clone(), rollout.canary.is_some()),
        (strategy.field("blueGreen"), rollout.blue_green.is_some()),
        (canary.field("trafficRouting"), routing.is_some()),
        (canary.field("pingPong"), pair.is_some_and(Option::is_some)),
    ];
    let removed = objects
        .into_iter()
        .find(|(object, exists)| !exists && path.segments().starts_with(object.segments()));
    removed.map_or(path, |(object, _)| object)
}
