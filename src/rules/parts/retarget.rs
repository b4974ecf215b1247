//! Which references of a Rollout a write moves: the comparison behind RG702, by what the controller
//! makes of the fields and not by their text.

use std::collections::BTreeMap;

use crate::cluster::Flow;
use crate::cluster::reference::{self, ServiceRole, VirtualServiceLink, istio_path};
use crate::field::Path;
use crate::model::{DestinationRuleRef, Istio, Key, Rollout, Typed};

/// A field of the Rollout that a write makes point elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retarget {
    pub path: Path,
    /// Entries are only added to a list.
    pub added: bool,
}

/// What the write changes of `trafficRouting.istio`, `managedRoutes` and the six Services, in the order
/// of the fields' paths. A field that is gone is told by the first object above it that is gone.
pub fn retargets(old: &Flow<'_>, new: &Flow<'_>) -> Vec<Retarget> {
    let mut all = istio(old, new);
    let (old, new) = (old.rollout, new.rollout);
    all.extend(services(old, new));
    all.extend(managed_routes(old, new));
    let mut by_path: BTreeMap<Path, bool> = BTreeMap::new();
    for retarget in all {
        let only_added = by_path.entry(standing(retarget.path, new)).or_insert(true);
        *only_added &= retarget.added;
    }
    let all = by_path.into_iter();
    all.map(|(path, added)| Retarget { path, added }).collect()
}

impl Retarget {
    fn moved(path: Path) -> Self {
        Self { path, added: false }
    }

    /// The change of a list whose order means nothing; `None` where both hold the same.
    fn of_set<T: PartialEq>(path: Path, old: &[T], new: &[T]) -> Option<Self> {
        let kept = old.iter().all(|entry| new.contains(entry));
        let same = kept && new.iter().all(|entry| old.contains(entry));
        (!same).then_some(Self { path, added: kept })
    }
}

fn services(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> Vec<Retarget> {
    let named = |rollout| -> BTreeMap<ServiceRole, Key> {
        let links = reference::services(rollout);
        links.map(|link| (link.role, link.key)).collect()
    };
    let (old, new) = (named(old), named(new));
    let roles = old.keys().chain(new.keys());
    let moved = roles.filter(|role| old.get(role) != new.get(role));
    moved.map(|role| Retarget::moved(role.path())).collect()
}

/// The order counts: the controller inserts its routes in this one.
fn managed_routes(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> Option<Retarget> {
    let (old, new) = (old.managed_routes(), new.managed_routes());
    let mut rest = new.iter();
    let added = old.iter().all(|name| rest.any(|other| other == name));
    let routing = Path::spec(["strategy", "canary", "trafficRouting"]);
    let path = routing.field("managedRoutes");
    (old != new).then_some(Retarget { path, added })
}

fn istio(old: &Flow<'_>, new: &Flow<'_>) -> Vec<Retarget> {
    match (old.rollout.istio(), new.rollout.istio()) {
        (None, None) => Vec::new(),
        (Some(was), Some(is)) => {
            let mut all = virtual_services(old, new, is);
            all.extend(destination_rule(was, is));
            all
        }
        _ => vec![Retarget::moved(istio_path())],
    }
}

/// By resolved name: moving a reference from `virtualService` to `virtualServices` changes nothing.
fn virtual_services(old: &Flow<'_>, new: &Flow<'_>, istio: &Istio) -> Vec<Retarget> {
    let was: Vec<_> = old.virtual_service_links().collect();
    let is: Vec<_> = new.virtual_service_links().collect();
    let field = match istio.virtual_services {
        Some(_) => "virtualServices",
        None => "virtualService",
    };
    let mut all = Vec::new();
    for link in &was {
        match is.iter().find(|other| other.key == link.key) {
            Some(other) => all.extend(routes(link, other)),
            None => all.push(Retarget::moved(istio_path().field(field))),
        }
    }
    let strangers = is
        .into_iter()
        .filter(|link| was.iter().all(|other| other.key != link.key));
    all.extend(strangers.map(|link| Retarget {
        path: link.path,
        added: true,
    }));
    all
}

fn routes(old: &VirtualServiceLink<'_>, new: &VirtualServiceLink<'_>) -> Vec<Retarget> {
    let path = |field| new.path.field(field);
    let (old, new) = (old.reference, new.reference);
    let changes = [
        Retarget::of_set(path("routes"), &old.routes, &new.routes),
        Retarget::of_set(path("tlsRoutes"), &old.tls_routes, &new.tls_routes),
        Retarget::of_set(path("tcpRoutes"), &old.tcp_routes, &new.tcp_routes),
    ];
    changes.into_iter().flatten().collect()
}

fn destination_rule(old: &Istio, new: &Istio) -> Vec<Retarget> {
    let path = istio_path().field("destinationRule");
    match (&old.destination_rule, &new.destination_rule) {
        (None, None) => Vec::new(),
        (Some(old), Some(new)) => subsets(&path, old, new),
        _ => vec![Retarget::moved(path)],
    }
}

fn subsets(path: &Path, old: &DestinationRuleRef, new: &DestinationRuleRef) -> Vec<Retarget> {
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
    let changed = changed.map(|(field, ..)| Retarget::moved(path.field(field)));
    let additional = |reference: &DestinationRuleRef| {
        let names = reference.additional_subset_names.clone();
        names.unwrap_or_default()
    };
    let path = path.field("additionalSubsetNames");
    let added = Retarget::of_set(path, &additional(old), &additional(new));
    changed.chain(added).collect()
}

/// The path, or that of the first object above it that the Rollout no longer has.
fn standing(path: Path, rollout: Typed<'_, Rollout>) -> Path {
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
    let gone = objects
        .into_iter()
        .find(|(object, there)| !there && path.segments().starts_with(object.segments()));
    gone.map_or(path, |(object, _)| object)
}
