//! The controller would delete a route whose weights it writes.
//!
//! ## What
//! A name in `routes` of a VirtualService reference is also in `managedRoutes`, or is the name of a `setHeaderRoute`
//! or `setMirrorRoute` step.
//!
//! ## Why
//! `managedRoutes` lists the routes that the controller inserts. At promotion and abort it deletes all of them, and
//! those that steps name (`RemoveManagedRoutes`). The user's own route is deleted with them, and its traffic is lost.
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
//! Keep the user's route in `routes` only, and give the inserted route another name.

use crate::cluster::Flow;
use crate::field::Path;
use crate::verdict::{Cause, Findings, message};

rule!(RG105, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if !flow.argo().inserts_managed_routes() {
        return;
    }
    for link in flow.virtual_service_links() {
        let routes = link.reference.routes.iter().enumerate();
        for (index, name) in routes.filter(|(_, name)| !name.is_empty()) {
            let Some(deleted) = deleted_by(flow, name) else {
                continue;
            };
            let path = link.path.field("routes").index(index);
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

/// The field that names the route as one that the controller inserts and deletes.
fn deleted_by(flow: &Flow<'_>, name: &str) -> Option<Path> {
    let list = Path::spec(["strategy", "canary", "trafficRouting", "managedRoutes"]);
    let mut managed = flow.rollout.managed_routes().iter();
    let managed = managed.position(|known| known == name);
    let managed = managed.map(|index| list.index(index).field("name"));
    managed.or_else(|| {
        let steps = flow.rollout.steps();
        let mut routes = steps.flat_map(|(path, step)| {
            let routes = step.route_step();
            routes.map(move |(field, route)| (path.fields([field, "name"]), route))
        });
        let step = routes.find(|(_, route)| route.name == name);
        step.map(|(path, _)| path)
    })
}
