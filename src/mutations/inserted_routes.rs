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

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::input::Input;
use super::patch::{Kept, Patch};
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{HttpRoute, Object};

mutation!(VirtualService(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let [new, live] = [&input.write.new, &input.write.old]
        .map(|object| object.as_ref().and_then(Object::virtual_service));
    let (Some(new), Some(live)) = (new, live) else {
        return;
    };
    if new.http.is_none() || has_all_of(new.http(), live.http()) {
        return;
    }
    let mut routes = Routes {
        names: new.http().iter().map(|route| route.name.clone()).collect(),
        live: by_name(live.http()),
    };
    for flow in input.flows().filter(keeps_routes) {
        routes.restore(&flow, input, patch);
    }
}

/// Whether the written routes have the names of all live ones: then none is missing, whatever Rollouts say.
fn has_all_of(written: &[HttpRoute], live: &[HttpRoute]) -> bool {
    let written: HashSet<&String> = written.iter().map(|route| &route.name).collect();
    let mut named = live.iter().filter(|route| !route.name.is_empty());
    named.all(|route| written.contains(&route.name))
}

fn keeps_routes(flow: &Flow<'_>) -> bool {
    let status = &flow.rollout.status;
    flow.is_in_progress() && !status.abort && !status.promote_full
}

/// The http routes of the write, and those of the live object.
struct Routes<'a> {
    /// Of the written routes as they come in.
    names: Vec<String>,
    /// The index of the first live route of each name.
    live: HashMap<&'a str, usize>,
}

impl Routes<'_> {
    /// Puts the flow's inserted routes back before the first route of the user's, in the order of `managedRoutes`.
    fn restore(&mut self, flow: &Flow<'_>, input: &Input<'_>, patch: &mut Patch) {
        let managed = flow.inserted_routes();
        let known: HashSet<&String> = managed.iter().collect();
        let leading = self.names.iter().take_while(|name| known.contains(name));
        let leading = leading.count();
        if leading == self.names.len() {
            return;
        }
        // Behind the first written route of each name.
        let mut behind = HashMap::new();
        for (index, name) in self.names.iter().enumerate() {
            behind.entry(name.clone()).or_insert(index + 1);
        }
        // What is inserted comes before all that stands at `place` or behind it.
        let (mut inserted, mut place) = (Vec::new(), 0);
        for name in managed.iter().filter(|name| !name.is_empty()) {
            if let Some(behind) = behind.get(name) {
                place = place.max(*behind).min(leading);
            } else if let Some(route) = self.live_route(input, name) {
                behind.insert(name.clone(), place);
                inserted.push((place, name.clone(), route));
            }
        }
        self.insert(inserted, flow, patch);
    }

    fn insert(
        &mut self,
        inserted: Vec<(usize, String, Value)>,
        flow: &Flow<'_>,
        patch: &mut Patch,
    ) {
        let http = Path::spec(["http"]);
        let mut names = std::mem::take(&mut self.names).into_iter();
        let mut taken = 0;
        for (place, name, route) in inserted {
            self.names.extend(names.by_ref().take(place - taken));
            taken = place;
            if patch.insert(&http, self.names.len(), route) {
                let kept = Kept::One(format!("inserted route `{name}`"));
                patch.keep(kept, flow.key());
                self.names.push(name);
            }
        }
        self.names.extend(names);
    }

    fn live_route(&self, input: &Input<'_>, name: &str) -> Option<Value> {
        let index = self.live.get(name)?;
        input.live_entry(&Path::spec(["http"]).index(*index))
    }
}

fn by_name(routes: &[HttpRoute]) -> HashMap<&str, usize> {
    let mut names = HashMap::new();
    for (index, route) in routes.iter().enumerate() {
        names.entry(route.name.as_str()).or_insert(index);
    }
    names
}
