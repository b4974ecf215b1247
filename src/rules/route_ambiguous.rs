//! A Rollout lists no routes of a VirtualService, and which one it manages is not clear.
//!
//! ## What
//! An error: `routes` is empty and the VirtualService has more than one http route that is not in
//! `managedRoutes`, unnamed ones included; or `tlsRoutes` (`tcpRoutes`) is empty and it has more than
//! one tls (tcp) route.
//!
//! With `routes` empty and one http route of the user's, it depends on the steps. A warning: they
//! insert a mirror route, or insert any route while the user's has a name. An error: the user's route
//! has a name and setMirrorRoute comes while another inserted route is there. Controllers from 1.3 to 1.7
//! never choose a route that has a name: a warning, and an error if a step is a setMirrorRoute.
//!
//! ## Why
//! The controller refuses what it cannot choose from (`Degraded: InvalidSpec`), and everything stands
//! still. Without a list it chooses anew at each write, among the routes that it inserted too: a mirror
//! route takes the user's place, or nothing is chosen, and the weights stay as they are while the steps
//! go on. setMirrorRoute copies the chosen route, and where nothing is chosen the controller panics at
//! each attempt.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! virtualService: {name: app}
//! # VirtualService app
//! http:
//! - match: [{uri: {prefix: /admin}}]
//!   route: [{destination: {host: admin}}]
//! - route: [{destination: {host: stable}, weight: 100}, {destination: {host: canary}, weight: 0}]
//! ```
//!
//! ## Fix
//! Give the route a name and list it in `routes`; list tls and tcp routes by their match.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService, List};
use crate::field::Path;
use crate::model::{Step, VirtualServiceRef};
use crate::verdict::{Findings, Severity, message};

rule!(RG203, Both, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for (path, reference) in linked.link.lists() {
            let lists = List::ALL.into_iter();
            for list in
                lists.filter(|list| list.is_managed_by(flow.argo()) && !list.is_listed(reference))
            {
                let routes = candidates(flow, &linked, list);
                if routes > 1 && seen.insert((linked.link.key.clone(), list)) {
                    refused(flow, &linked, path, list, routes, found);
                }
            }
        }
        if seen.insert((linked.link.key.clone(), List::Http)) {
            check_steps(flow, &linked, found);
        }
    }
}

/// How many routes of the list the controller would have to choose from.
fn candidates(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, list: List) -> usize {
    match list {
        List::Http => flow.user_routes(linked.service.body).count(),
        List::Tls => linked.service.tls().len(),
        List::Tcp => linked.service.tcp().len(),
    }
}

fn refused(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    reference: &Path,
    list: List,
    routes: usize,
    found: &mut Findings<'_>,
) {
    let path = reference.field(list.reference_field());
    let message = message!("{} lists no routes", flow.key())
        .in_field(&path)
        .text(format!(
            ", and {} has {routes} {} routes to choose from",
            linked.link.key,
            list.field()
        ));
    found
        .error(flow.key(), path, message)
        .subject(subject(linked, list))
        .help(match list {
            List::Http => NAME_IT,
            List::Tls => "list the tls route in `tlsRoutes` by its port and SNI hosts",
            List::Tcp => "list the tcp route in `tcpRoutes` by its port",
        })
        .with(&linked.link.key, Path::spec([list.field()]));
}

/// What inserted routes do to the choice of the one http route that is not listed.
fn check_steps(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, found: &mut Findings<'_>) {
    let reference: &VirtualServiceRef = linked.link.reference;
    let mut routes = flow.user_routes(linked.service.body);
    let (Some(route), Some(canary)) = (routes.next(), flow.canary()) else {
        return;
    };
    let known = flow.argo().inserts_managed_routes();
    if List::Http.is_listed(reference) || !known {
        return;
    }
    let choice = match route.name.is_empty() {
        true => Choice::Unnamed,
        false if flow.argo().passes_over_named_routes() => Choice::Never,
        false => Choice::WhileAlone,
    };
    let Some(fate) = fate(&canary.steps, choice) else {
        return;
    };
    let path = linked.link.path.field("routes");
    let message = message!(
        "{} lists no `routes` of {}, so that the controller {}",
        flow.key(),
        linked.link.key,
        fate.text(),
    );
    let finding = match fate.severity {
        Severity::Error => found.error(flow.key(), path, message),
        Severity::Warning => found.warning(flow.key(), path, message),
    };
    finding
        .subject(subject(linked, List::Http))
        .help(NAME_IT)
        .with(&linked.link.key, Path::spec(["http"]));
}

/// When the controller chooses the user's route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// As the first route without a name.
    Unnamed,
    /// As the only route, although it has a name.
    WhileAlone,
    /// It has a name, and the controller is one that chooses no such route.
    Never,
}

/// What becomes of the weights.
struct Fate {
    severity: Severity,
    /// The step that does it; `None`: they are never written.
    step: Option<Path>,
}

impl Fate {
    fn text(&self) -> String {
        match (self.severity, &self.step) {
            (Severity::Error, Some(step)) => format!("panics at `{step}`"),
            (_, Some(step)) => format!("writes no weights after `{step}`"),
            (_, None) => "writes no weights: it chooses only a route without a name".to_owned(),
        }
    }
}

/// Goes through the steps as the controller does: a route without a match is removed, a mirror route
/// is a copy of the chosen one.
fn fate(steps: &[Step], choice: Choice) -> Option<Fate> {
    let mut inserted = BTreeSet::new();
    let mut first = (choice == Choice::Never).then_some(Fate {
        severity: Severity::Warning,
        step: None,
    });
    let steps = steps.iter().enumerate();
    for (step, (field, route)) in steps.flat_map(|(i, step)| step.route_step().map(move |r| (i, r)))
    {
        inserted.remove(&route.name);
        if route.removes() {
            continue;
        }
        let mirrors = field == "setMirrorRoute";
        let path = Path::spec(["strategy", "canary", "steps"]);
        let fate = |severity| Fate {
            severity,
            step: Some(path.index(step).field(field)),
        };
        let chosen = match choice {
            Choice::Unnamed => true,
            Choice::WhileAlone => inserted.is_empty(),
            Choice::Never => false,
        };
        if mirrors && !chosen {
            return Some(fate(Severity::Error));
        }
        if mirrors || choice == Choice::WhileAlone {
            first.get_or_insert(fate(Severity::Warning));
        }
        inserted.insert(&route.name);
    }
    first
}

fn subject(linked: &LinkedVirtualService<'_>, list: List) -> String {
    format!("{} {}", linked.link.key, list.field())
}

const NAME_IT: &str = "give the route a name and list it in `routes`";
