//! Restores the header and mirror routes that the controller inserted and the write removes.
//!
//! ## What
//! While a release is in progress, the http routes of the live VirtualService whose names are in the Rollout's
//! `managedRoutes` are inserted before all user routes, in the order of `managedRoutes`.
//!
//! ## Why
//! The controller inserts such a route once, at its step. If the file, which does not have the route, is applied
//! again, the route is missing for the rest of the pause.
//!
//! ## Not when
//! The mutation changes nothing if the release is over, aborted (`status.abort`) or being promoted in full
//! (`status.promoteFull`), because the controller then removes the routes, or if the write has no http route of the
//! user's.

use serde_json::Value;

use super::input::Input;
use super::patch::{Kept, Patch};
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{Object, VirtualService};

mutation!(VirtualService(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let [new, live] = [&input.write.new, &input.write.old]
        .map(|object| object.as_ref().and_then(Object::virtual_service));
    let (Some(new), Some(live)) = (new, live) else {
        return;
    };
    if new.http.is_none() {
        return;
    }
    let mut names: Vec<String> = new.http().iter().map(|route| route.name.clone()).collect();
    for flow in input.flows().filter(keeps_routes) {
        restore(&flow, input, &live, &mut names, patch);
    }
}

fn keeps_routes(flow: &Flow<'_>) -> bool {
    let status = &flow.rollout.status;
    flow.is_in_progress() && !status.abort && !status.promote_full
}

/// Puts the flow's inserted routes back; `names` are those of the written http routes as they come in.
fn restore(
    flow: &Flow<'_>,
    input: &Input<'_>,
    live: &VirtualService,
    names: &mut Vec<String>,
    patch: &mut Patch,
) {
    let http = Path::spec(["http"]);
    let managed = flow.inserted_routes();
    // Before the first route of the user's, and after those that come earlier in `managedRoutes`.
    let leading = names.iter().take_while(|name| managed.contains(name));
    let mut leading = leading.count();
    if leading == names.len() {
        return;
    }
    let mut next = 0;
    for name in managed.iter().filter(|name| !name.is_empty()) {
        if let Some(standing) = names.iter().position(|other| other == name) {
            next = next.max(standing + 1).min(leading);
            continue;
        }
        let Some(route) = live_route(input.live_value, live, name) else {
            continue;
        };
        if patch.insert(&http, next, route) {
            names.insert(next, name.clone());
            next += 1;
            leading += 1;
            patch.keep(Kept::One(format!("inserted route `{name}`")), flow.key());
        }
    }
}

fn live_route(value: &Value, live: &VirtualService, name: &str) -> Option<Value> {
    let index = live.http().iter().position(|route| route.name == name)?;
    value.pointer("/spec/http")?.get(index).cloned()
}
