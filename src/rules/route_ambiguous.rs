//! A Rollout lists no routes, and the controller cannot choose one of the VirtualService.
//!
//! ## What
//! The rule reports an error if `routes` is empty and the VirtualService has more than one http route that is not in
//! `managedRoutes`, with or without a name; or if `tlsRoutes` (`tcpRoutes`) is empty and the VirtualService has more
//! than one tls (tcp) route.
//!
//! If `routes` is empty and there is one http route of the user's, the result depends on the steps. It is a warning
//! if the steps insert a mirror route, or insert any route and the user's route has a name. It is an error if the
//! user's route has a name and a `setMirrorRoute` step comes while another inserted route exists. Controllers from
//! 1.3 to 1.7 never choose a route that has a name: this is a warning, and an error if a step is a `setMirrorRoute`.
//!
//! ## Why
//! If there are several routes to choose from, the controller sets the Rollout to `Degraded: InvalidSpec` and stops.
//! Without a list it chooses again at each write, also among the routes that it has inserted: it chooses a mirror
//! route instead of the user's, or none, and the weights do not change while the steps go on. `setMirrorRoute` copies
//! the chosen route; if there is none, the controller panics at each attempt.
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
//! Give the route a name and list it in `routes`. List tls and tcp routes by their match.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService, List};
use crate::field::Path;
use crate::verdict::{Findings, Severity, message};

rule!(RG203, Both, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for (path, reference) in linked.link.lists() {
            let lists = List::ALL.into_iter();
            let lists = lists.filter(|list| list.is_managed_by(flow.argo()));
            for list in lists.filter(|list| !list.is_listed(reference)) {
                let routes = candidates(flow, &linked, list);
                if routes > 1 && seen.insert((linked.link.key.clone(), list)) {
                    report_several(flow, &linked, &path, list, routes, found);
                }
            }
        }
        if seen.insert((linked.link.key.clone(), List::Http)) {
            check_steps(flow, &linked, found);
        }
    }
}

/// The number of routes of the list from which the controller would have to choose.
fn candidates(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, list: List) -> usize {
    match list {
        List::Http => flow.user_routes(linked.service.body).count(),
        List::Tls => linked.service.tls().len(),
        List::Tcp => linked.service.tcp().len(),
    }
}

fn report_several(
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
            List::Http => NAME_HELP,
            List::Tls => "list the tls route in `tlsRoutes` by its port and SNI hosts",
            List::Tcp => "list the tcp route in `tcpRoutes` by its port",
        })
        .with(&linked.link.key, Path::spec([list.field()]));
}

/// Reports what the routes that steps insert do to the choice of the one http route, if it is not listed.
fn check_steps(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, found: &mut Findings<'_>) {
    let mut routes = flow.user_routes(linked.service.body);
    let is_listed = List::Http.is_listed(linked.link.reference);
    let Some(route) = routes.next().filter(|_| !is_listed) else {
        return;
    };
    if !flow.argo().inserts_managed_routes() {
        return;
    }
    let choice = match route.name.is_empty() {
        true => Choice::Unnamed,
        false if flow.argo().passes_over_named_routes() => Choice::Never,
        false => Choice::WhileAlone,
    };
    let Some(effect) = effect(flow, choice) else {
        return;
    };
    let path = linked.link.path().field("routes");
    let message = message!(
        "{} lists no `routes` of {}, so that the controller {}",
        flow.key(),
        linked.link.key,
        effect.text(),
    );
    let finding = match effect.severity {
        Severity::Error => found.error(flow.key(), path, message),
        Severity::Warning => found.warning(flow.key(), path, message),
    };
    finding
        .subject(subject(linked, List::Http))
        .help(NAME_HELP)
        .with(&linked.link.key, Path::spec(["http"]));
}

/// When the controller chooses the user's route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// As the first route without a name.
    Unnamed,
    /// As the only route, although it has a name.
    WhileAlone,
    /// Never: it has a name, and this version of the controller chooses no such route.
    Never,
}

/// What inserted routes do to the weights of the user's route.
struct Effect {
    severity: Severity,
    /// The step that does it; `None` if the weights are never written.
    step: Option<Path>,
}

impl Effect {
    fn text(&self) -> String {
        match (self.severity, &self.step) {
            (Severity::Error, Some(step)) => format!("panics at `{step}`"),
            (_, Some(step)) => format!("writes no weights after `{step}`"),
            (_, None) => "writes no weights: it chooses only a route without a name".to_owned(),
        }
    }
}

/// The first effect of the steps, as the controller runs them: a route step without a match removes the route, and a
/// mirror route is a copy of the chosen route.
fn effect(flow: &Flow<'_>, choice: Choice) -> Option<Effect> {
    let mut inserted = BTreeSet::new();
    let mut first = (choice == Choice::Never).then_some(Effect {
        severity: Severity::Warning,
        step: None,
    });
    let steps = flow.rollout.body.steps();
    let route_steps = steps.flat_map(|(path, step)| {
        let routes = step.route_step();
        routes.map(move |(field, route)| (path.field(field), field, route))
    });
    for (path, field, route) in route_steps {
        inserted.remove(&route.name);
        if route.removes() {
            continue;
        }
        let mirrors = field == "setMirrorRoute";
        let effect = |severity| Effect {
            severity,
            step: Some(path.clone()),
        };
        let is_chosen = match choice {
            Choice::Unnamed => true,
            Choice::WhileAlone => inserted.is_empty(),
            Choice::Never => false,
        };
        if mirrors && !is_chosen {
            return Some(effect(Severity::Error));
        }
        if mirrors || choice == Choice::WhileAlone {
            first.get_or_insert(effect(Severity::Warning));
        }
        inserted.insert(&route.name);
    }
    first
}

fn subject(linked: &LinkedVirtualService<'_>, list: List) -> String {
    format!("{} {}", linked.link.key, list.field())
}

const NAME_HELP: &str = "give the route a name and list it in `routes`";
