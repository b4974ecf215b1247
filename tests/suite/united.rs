//! An object with what two versions of it have: the state between two commits, in which both setups work.

use rollout_guard::model::Kind;
use serde_json::{Value, json};

/// `None` for a kind that has no such state, and where one version is it.
pub fn united(kind: Kind, before: &Value, after: &Value) -> Option<Value> {
    let mut both = after.clone();
    match kind {
        Kind::VirtualService => unite_routes(before, &mut both),
        Kind::DestinationRule => unite_by_name(before, &mut both, "subsets"),
        Kind::Service => unite_by_name(before, &mut both, "ports"),
        Kind::Rollout => give_roles(before, &mut both)?,
        _ => return None,
    }
    (both != *before && both != *after).then_some(both)
}

/// What becomes ping and pong has the canary and stable roles first: the controller writes the hashes of these at any
/// time, but none into ping and pong between releases.
fn give_roles(before: &Value, both: &mut Value) -> Option<()> {
    if before.pointer("/spec/strategy/canary/pingPong").is_some() {
        return None;
    }
    let canary = both.pointer_mut("/spec/strategy/canary")?.as_object_mut()?;
    let pair = canary.remove("pingPong")?;
    canary.insert("canaryService".to_owned(), pair["pingService"].clone());
    canary.insert("stableService".to_owned(), pair["pongService"].clone());
    Some(())
}

/// The entries of both lists, those of before first.
fn unite_by_name(before: &Value, both: &mut Value, list: &str) {
    let mut united = list_of(before, list);
    for entry in list_of(both, list) {
        if !united.iter().any(|other| other["name"] == entry["name"]) {
            united.push(entry);
        }
    }
    both["spec"][list] = united.into();
}

/// The routes of before first, a new one behind them; a route of both with the destinations of both.
fn unite_routes(before: &Value, both: &mut Value) {
    let hosts = list_of(before, "hosts").into_iter();
    let missing = hosts.filter(|host| !list_of(both, "hosts").contains(host));
    let hosts: Vec<Value> = list_of(both, "hosts").into_iter().chain(missing).collect();
    if !hosts.is_empty() {
        both["spec"]["hosts"] = hosts.into();
    }
    let (olds, news) = (destinations(before), destinations(both));
    for list in LISTS {
        let (mut old, mut new) = (list_of(before, list), list_of(both, list));
        // The controller looks at every list that there is, so that one of one version needs the destinations of both.
        match (old.is_empty(), new.is_empty()) {
            (false, true) => old
                .iter_mut()
                .for_each(|route| unite_destinations(route, &olds, &news)),
            (true, false) => new
                .iter_mut()
                .for_each(|route| unite_destinations(route, &olds, &news)),
            _ => {}
        }
        let mut united: Vec<Value> = old
            .iter()
            .map(
                |route| match new.iter().find(|other| is_same(route, other)) {
                    Some(other) => with_destinations_of_both(route, other),
                    None => route.clone(),
                },
            )
            .collect();
        let added = new
            .iter()
            .filter(|route| !old.iter().any(|other| is_same(other, route)));
        united.extend(added.cloned());
        if !united.is_empty() {
            both["spec"][list] = united.into();
        }
    }
}

/// Whether both send somewhere, for the same requests. A route without a name gets one.
fn is_same(one: &Value, other: &Value) -> bool {
    let is_named_alike =
        one["name"] == other["name"] || one["name"].is_null() || other["name"].is_null();
    let both_send = one["route"].is_array() && other["route"].is_array();
    both_send && is_named_alike && one["match"] == other["match"]
}

/// The new destinations stand before the old ones, which keep the traffic.
fn with_destinations_of_both(old: &Value, new: &Value) -> Value {
    let mut both = old.clone();
    if !new["name"].is_null() {
        both["name"] = new["name"].clone();
    }
    let (kept, news) = (routes(old), routes(new));
    let is_old = |entry: &Value| {
        kept.iter()
            .any(|it| it["destination"] == entry["destination"])
    };
    let added = news.into_iter().filter(|entry| !is_old(entry));
    let added = added.map(|entry| json!({"destination": entry["destination"], "weight": 0}));
    both["route"] = added.chain(kept.clone()).collect();
    both
}

/// The new destinations with weight 0 and the old ones, on the port of the route.
fn unite_destinations(route: &mut Value, olds: &[Value], news: &[Value]) {
    let port = routes(route)
        .first()
        .map(|entry| entry["destination"]["port"].clone());
    let Some(port) = port else {
        return;
    };
    let is_old = |entry: &&Value| olds.iter().any(|old| name_of(old) == name_of(entry));
    let added = news
        .iter()
        .filter(|entry| !is_old(entry))
        .map(|entry| (entry, json!(0)));
    let kept = olds.iter().map(|entry| (entry, entry["weight"].clone()));
    let all = added.chain(kept).map(|(entry, weight)| {
        let mut entry = json!({"destination": entry["destination"], "weight": weight});
        if let Some(destination) = entry["destination"].as_object_mut() {
            destination.remove("port");
            if !port.is_null() {
                destination.insert("port".to_owned(), port.clone());
            }
        }
        entry
    });
    route["route"] = all.collect();
}

/// The destinations of the first route of each list, each once.
fn destinations(object: &Value) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for entry in LISTS
        .iter()
        .flat_map(|list| list_of(object, list))
        .flat_map(|it| routes(&it))
    {
        if !found.iter().any(|other| name_of(other) == name_of(&entry)) {
            found.push(entry);
        }
    }
    found
}

fn name_of(entry: &Value) -> (&Value, &Value) {
    let to = &entry["destination"];
    (&to["host"], &to["subset"])
}

const LISTS: [&str; 3] = ["http", "tls", "tcp"];

fn routes(route: &Value) -> Vec<Value> {
    route["route"].as_array().cloned().unwrap_or_default()
}

fn list_of(object: &Value, list: &str) -> Vec<Value> {
    object["spec"][list].as_array().cloned().unwrap_or_default()
}
