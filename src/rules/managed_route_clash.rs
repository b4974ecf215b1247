//! The controller would delete a route that it did not insert.
//!
//! ## What
//! The rule reports an error if
//! - a name in `routes` of a VirtualService reference is also in `managedRoutes`, or is the name of a `setHeaderRoute`
//!   or `setMirrorRoute` step;
//! - outside a release, the VirtualService has an http route whose name is in `managedRoutes`;
//! - a name in `managedRoutes` is a route of the same VirtualService whose weights another Rollout manages.
//!
//! It reports a warning if two Rollouts have one name in `managedRoutes` and insert routes into one VirtualService.
//!
//! ## Why
//! `managedRoutes` lists the routes that the controller inserts. At promotion, after an abort and in every reconcile
//! without a release it deletes all routes of these names, and those that steps name (`RemoveManagedRoutes`),
//! whoever wrote them. The user's own route is deleted with them, and its traffic is lost.
//!
//! ## Example
//! ```yaml
//! trafficRouting:
//!   managedRoutes:
//!   - name: primary
//!   istio:
//!     virtualService: {name: app, routes: [primary]}
//! ```
//!
//! ## Fix
//! Keep the user's route in `routes` only, and give the inserted route a name that no other route has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cluster::{Flow, LinkedVirtualService};
use crate::field::Path;
use crate::model::{Rollout, Typed};
use crate::verdict::{Cause, Findings, message};

rule!(RG105, Both, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if !flow.argo().inserts_managed_routes() {
        return;
    }
    check_listed(flow, found);
    let managed = positions(flow.rollout);
    if managed.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        if !seen.insert(linked.link.key.clone()) {
            continue;
        }
        if !flow.is_in_progress() {
            check_idle(flow, &managed, &linked, found);
        }
        for other in flow.other_owners(&linked.link.key) {
            check_other(flow, &managed, (&linked, other), found);
        }
    }
}

/// The user's routes that the Rollout itself lists.
fn check_listed(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let deleted = deleted(flow);
    for link in flow.virtual_service_links() {
        let routes = link.reference.routes.iter().enumerate();
        for (index, name) in routes.filter(|(_, name)| !name.is_empty()) {
            let Some(deleted) = deleted.get(name.as_str()) else {
                continue;
            };
            let path = link.path().field("routes").index(index);
            let message = message!("{} lists route `{name}`", flow.key())
                .in_field(&path)
                .text(format!(" as the user's, and in `{deleted}` "))
                .text("as one that the controller inserts and deletes");
            found
                .error(flow.key(), path, message)
                .subject(name)
                .help("rename the inserted route: promotion deletes every route of its name")
                .cause(Cause::Duplicate);
        }
    }
}

/// The routes of the VirtualService that the next reconcile deletes. Without a release none of them is the
/// controller's.
fn check_idle(
    flow: &Flow<'_>,
    managed: &BTreeMap<&str, usize>,
    linked: &LinkedVirtualService<'_>,
    found: &mut Findings<'_>,
) {
    let listed: BTreeSet<&String> = linked.link.reference.routes.iter().collect();
    let routes = linked.service.http().iter().enumerate();
    let mut seen = BTreeSet::new();
    for (index, route) in routes.filter(|(_, route)| !listed.contains(&route.name)) {
        let Some(position) = managed.get(route.name.as_str()) else {
            continue;
        };
        if !seen.insert(&route.name) {
            continue;
        }
        let path = entry(*position);
        let place = Path::spec(["http"]).index(index).field("name");
        let message = message!(
            "{} deletes route `{}` of {}",
            flow.key(),
            route.name,
            linked.link.key
        )
        .with_field(&place)
        .text(", because `managedRoutes` names it")
        .with_field(&path)
        .text(" and no release is in progress");
        found
            .error(flow.key(), path, message)
            .subject(format!("{} {}", linked.link.key, route.name))
            .help(
                "rename the route in one of the two: the controller deletes every route of a name in \
                 `managedRoutes` when no release is in progress, whoever wrote it",
            )
            .cause(Cause::Duplicate)
            .with(&linked.link.key, place);
    }
}

/// The names in `managedRoutes` that another Rollout of the VirtualService uses for a route of its own.
fn check_other(
    flow: &Flow<'_>,
    managed: &BTreeMap<&str, usize>,
    (linked, other): (&LinkedVirtualService<'_>, Typed<'_, Rollout>),
    found: &mut Findings<'_>,
) {
    let key = &linked.link.key;
    let other_flow = Flow::of(other, flow.view);
    let links = other_flow.virtual_services();
    let routes = links.filter(|link| link.link.key == *key);
    let routes = routes.flat_map(|link| link.managed_routes());
    let weighted: BTreeSet<&str> = routes.map(|route| route.name).collect();
    let inserted = positions(other);
    let used: BTreeSet<&str> = weighted.iter().chain(inserted.keys()).copied().collect();
    for name in used {
        let Some(position) = managed.get(name) else {
            continue;
        };
        let path = entry(*position);
        let who = message!("{} names route `{name}` of {key}", flow.key()).in_field(&path);
        if weighted.contains(name) {
            let message = who.text(format!(
                ", whose weights {} manages: the controller deletes the route",
                other.meta.key
            ));
            let is_owner = flow.is_effective_for(key);
            let finding = found.error(flow.key(), path, message);
            finding.harms_others = is_owner;
            finding
                .subject(format!("{key} {name} {}", other.meta.key))
                .help("give the inserted route a name that no route of the VirtualService has")
                .cause(Cause::Duplicate)
                .with(key, Path::spec(["http"]))
                .with(&other.meta.key, Path::spec(["strategy"]));
            flow.note_owner(&other.meta.key, key);
        } else if let Some(theirs) = inserted.get(name) {
            let message = who.text(format!(
                ", and so does {}: the end of one's release deletes the other's route",
                other.meta.key
            ));
            found
                .warning(flow.key(), path, message)
                .subject(format!("{key} {name} inserted by two"))
                .help("give the inserted route of each Rollout a name of its own")
                .cause(Cause::Duplicate)
                .mutual()
                .with(&other.meta.key, entry(*theirs));
        }
    }
}

/// The names in `managedRoutes`, with the first index of each.
fn positions(rollout: Typed<'_, Rollout>) -> BTreeMap<&str, usize> {
    let names = rollout.body.managed_routes().iter().enumerate();
    let named = names.filter(|(_, name)| !name.is_empty());
    // The first of equal names is inserted last and stays.
    named
        .rev()
        .map(|(index, name)| (name.as_str(), index))
        .collect()
}

/// The name of an entry in `managedRoutes`.
fn entry(index: usize) -> Path {
    let routing = Path::spec(["strategy", "canary", "trafficRouting"]);
    routing.field("managedRoutes").index(index).field("name")
}

/// The routes that the controller inserts and deletes, with the field that names each.
fn deleted<'a>(flow: &Flow<'a>) -> HashMap<&'a str, Path> {
    let managed = flow.rollout.body.managed_routes().iter().enumerate();
    let managed = managed.map(|(index, name)| (name.as_str(), entry(index)));
    let steps = flow.rollout.body.steps().flat_map(|(path, step)| {
        let routes = step.route_step();
        routes.map(move |(field, route)| (route.name.as_str(), path.fields([field, "name"])))
    });
    let mut deleted = HashMap::new();
    for (name, path) in managed.chain(steps) {
        deleted.entry(name).or_insert(path);
    }
    deleted
}
