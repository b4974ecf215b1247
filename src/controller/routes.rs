//! The routes that steps insert before the user's, and their removal.

use serde_json::{Map, Value, json};

use super::target::Target;
use super::world::World;
use crate::cluster::{Flow, reference};
use crate::model::{Key, VirtualServiceRef};

const HTTP: &str = "/spec/http";

/// Carries out a setHeaderRoute or setMirrorRoute step.
pub(super) fn carry_out(
    world: &mut World,
    service: &Key,
    reference: &VirtualServiceRef,
    flow: &Flow<'_>,
    target: &Target,
) {
    let Some(step) = step(world, flow, target) else {
        return;
    };
    let (header, mirror) = (&step["setHeaderRoute"], &step["setMirrorRoute"]);
    let destination = canary_destination(world, flow);
    for (route, is_mirror) in [(header, false), (mirror, true)] {
        let Some(name) = route["name"].as_str() else {
            continue;
        };
        let Some(http) = world.list(service, HTTP) else {
            continue;
        };
        http.retain(|other| other["name"] != name);
        let matches = route["match"]
            .as_array()
            .filter(|matches| !matches.is_empty());
        let Some(matches) = matches else { continue };
        let split = split_of(http, reference);
        let port = split
            .first()
            .map(|first| first["destination"]["port"].clone());
        let destination = with_port(&destination, port);
        let inserted = if is_mirror {
            mirror_route(route, matches, &split, &destination)
        } else {
            header_route(name, matches, &destination)
        };
        http.push(inserted);
        order(http, flow.inserted_routes());
    }
}

/// Removes what steps inserted and what `managedRoutes` lists.
pub(super) fn remove_inserted(world: &mut World, service: &Key, flow: &Flow<'_>) {
    let steps = flow.rollout.body.steps();
    let mut names: Vec<String> = steps
        .flat_map(|(_, step)| step.route_step().map(|(_, route)| route.name.clone()))
        .collect();
    names.extend(flow.inserted_routes().iter().cloned());
    if let Some(http) = world.list(service, HTTP) {
        http.retain(|route| {
            let name = route["name"].as_str().unwrap_or_default();
            !names.iter().any(|inserted| inserted == name)
        });
    }
}

fn step(world: &World, flow: &Flow<'_>, target: &Target) -> Option<Value> {
    let rollout = world.objects.get(flow.key())?;
    let steps = rollout.pointer("/spec/strategy/canary/steps")?;
    steps.get(target.step?).cloned()
}

/// The canary's host and subset, as inserted routes name them.
fn canary_destination(world: &World, flow: &Flow<'_>) -> Value {
    let service = flow.roles().map_or("", |roles| roles.canary_service);
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return json!({"host": service});
    };
    let host = world.objects.get(&link.key);
    let host = host.and_then(|rule| rule.pointer("/spec/host")?.as_str());
    let host = host.filter(|host| !host.is_empty()).unwrap_or(service);
    match link.reference.canary_subset_name.as_str() {
        "" => json!({"host": host}),
        subset => json!({"host": host, "subset": subset}),
    }
}

fn with_port(destination: &Value, port: Option<Value>) -> Value {
    let mut destination = destination.clone();
    if let Some(port) = port.filter(Value::is_object) {
        destination["port"] = port;
    }
    destination
}

/// The destinations of the first managed route.
fn split_of(http: &[Value], reference: &VirtualServiceRef) -> Vec<Value> {
    let listed = |route: &&Value| {
        let name = route["name"].as_str().unwrap_or_default();
        reference.routes.iter().any(|other| other == name)
    };
    let route = if reference.routes.is_empty() {
        let unnamed = |route: &&Value| route["name"].as_str().is_none_or(str::is_empty);
        http.iter().find(unnamed).or_else(|| http.first())
    } else {
        http.iter().find(listed)
    };
    let split = route.and_then(|route| route["route"].as_array());
    split.cloned().unwrap_or_default()
}

fn header_route(name: &str, matches: &[Value], destination: &Value) -> Value {
    let matches = matches.iter().map(|entry| {
        let header = entry["headerName"].as_str().unwrap_or_default();
        let mut value = Map::new();
        for how in ["exact", "regex", "prefix"] {
            if let Some(text) = entry["headerValue"][how]
                .as_str()
                .filter(|text| !text.is_empty())
            {
                value.insert(how.to_owned(), text.into());
            }
        }
        json!({"headers": {header: value}})
    });
    json!({
        "name": name,
        "match": matches.collect::<Vec<_>>(),
        "route": [{"destination": destination, "weight": 100}],
    })
}

fn mirror_route(route: &Value, matches: &[Value], split: &[Value], destination: &Value) -> Value {
    let matches = matches.iter().map(|entry| {
        let mut condition = Map::new();
        for (from, to) in [
            ("method", "method"),
            ("path", "uri"),
            ("headers", "headers"),
        ] {
            if let Some(value) = entry.get(from) {
                condition.insert(to.to_owned(), value.clone());
            }
        }
        Value::Object(condition)
    });
    let percentage = route["percentage"].as_i64().unwrap_or(100);
    json!({
        "name": route["name"],
        "match": matches.collect::<Vec<_>>(),
        "route": split,
        "mirror": destination,
        "mirrorPercentage": {"value": percentage},
    })
}

/// Inserted routes first, in the order of `managedRoutes`; the others keep theirs.
fn order(http: &mut [Value], managed: &[String]) {
    http.sort_by_key(|route| {
        let name = route["name"].as_str().unwrap_or_default();
        let place = managed.iter().position(|other| other == name);
        place.unwrap_or(managed.len())
    });
}
