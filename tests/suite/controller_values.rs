//! What is the controller's in an object, told apart from the user's by looking at the JSON alone: the
//! tests' own measure, which shares nothing with the mutations.

use std::collections::BTreeMap;

use rollout_guard::model::{HASH_LABEL, MANAGED_BY};
use serde_json::{Map, Value, json};

/// Where a stored object says otherwise than the controller's last word on it. What the user has renamed
/// or dropped is not compared, nor is a route with such a destination: there the rules speak. `inserted`
/// are the names of routes that the controller inserts.
pub fn differences(stored: &Value, word: &Value, inserted: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut same = |what: String, stored: Option<Value>, said: Option<Value>| {
        if said.is_some() && stored != said {
            faults.push(format!(
                "{what} is {stored:?}, the controller said {said:?}"
            ));
        }
    };
    for (route, said) in weights(word) {
        let mut stands = weights(stored).remove(&route).unwrap_or_default();
        if said.keys().all(|to| stands.contains_key(to)) {
            stands.retain(|to, _| said.contains_key(to));
            same(
                format!("route {route}"),
                Some(json!(stands)),
                Some(json!(said)),
            );
        }
    }
    for (name, said) in hashes(word) {
        let stands = hashes(stored).into_iter().find(|(other, _)| *other == name);
        if let Some((_, stands)) = stands {
            same(format!("hash of {name}"), stands, said);
        }
    }
    let routes = |object: &Value| {
        let names = names(object).into_iter();
        let names: Vec<Value> = names.filter(|name| is_one_of(name, inserted)).collect();
        json!(names)
    };
    same(
        "inserted routes".to_owned(),
        Some(routes(stored)),
        Some(routes(word)),
    );
    faults
}

/// Whose the object is by its annotation.
pub fn managed_by(object: &Value) -> Option<&Value> {
    object["metadata"]["annotations"].get(MANAGED_BY)
}

/// An object without what is the controller's or the flow's to say: weights, hashes, the managed-by
/// annotation, what the controller inserts, and labels and names that the user left empty in `written`.
pub fn users_part(object: &Value, written: &Value, inserted: &[String]) -> Value {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    remove_hash(&mut spec["selector"]);
    for (index, subset) in elements(spec, "subsets").enumerate() {
        remove_hash(&mut subset["labels"]);
        if is_bare(&written["spec"]["subsets"][index]["labels"]) {
            remove(subset, "labels");
        }
    }
    retain(&mut spec["subsets"], |subset| {
        !is_one_of(&subset["name"], inserted)
    });
    retain(&mut spec["http"], |route| {
        !is_one_of(&route["name"], inserted)
    });
    if let Some([only]) = spec["http"].as_array_mut().map(Vec::as_mut_slice)
        && !names(written).iter().any(|name| *name == only["name"])
    {
        only["name"] = Value::Null;
    }
    for list in ["http", "tls", "tcp"] {
        for route in elements(spec, list) {
            elements(route, "route").for_each(|one| remove(one, "weight"));
            retain(&mut route["route"], |one| {
                !is_one_of(&one["destination"]["host"], inserted)
            });
        }
    }
    without_managed_by(&mut object["metadata"]);
    object
}

fn without_managed_by(meta: &mut Value) {
    remove(&mut meta["annotations"], MANAGED_BY);
    if meta["annotations"].as_object().is_none_or(Map::is_empty) {
        remove(meta, "annotations");
    }
}

/// The hash; and the map itself where nothing else is in it.
fn remove_hash(labels: &mut Value) {
    remove(labels, HASH_LABEL);
    if labels.as_object().is_some_and(Map::is_empty) {
        *labels = Value::Null;
    }
}

fn is_bare(labels: &Value) -> bool {
    let mut labels = labels.as_object().into_iter().flatten();
    labels.all(|(label, _)| label == HASH_LABEL)
}

fn retain(list: &mut Value, keep: impl Fn(&Value) -> bool) {
    if let Some(list) = list.as_array_mut() {
        list.retain(keep);
    }
}

/// The weights of each http route's destinations, by the route's name.
fn weights(object: &Value) -> BTreeMap<String, BTreeMap<String, Value>> {
    let routes = object["spec"]["http"].as_array().into_iter().flatten();
    let weighted = routes.map(|route| {
        let destinations = route["route"].as_array().into_iter().flatten();
        let weights = destinations.map(|one| {
            let to = &one["destination"];
            (
                format!("{}/{}", to["host"], to["subset"]),
                one["weight"].clone(),
            )
        });
        (route["name"].to_string(), weights.collect())
    });
    weighted.collect()
}

/// The hash of each subset, and of the selector.
fn hashes(object: &Value) -> Vec<(String, Option<Value>)> {
    let subsets = object["spec"]["subsets"].as_array().into_iter().flatten();
    let subsets = subsets.map(|subset| {
        let hash = subset["labels"].get(HASH_LABEL);
        (format!("subset {}", subset["name"]), hash.cloned())
    });
    let selector = object["spec"].get("selector").into_iter();
    let selector =
        selector.map(|selector| ("the selector".to_owned(), selector.get(HASH_LABEL).cloned()));
    subsets.chain(selector).collect()
}

fn names(object: &Value) -> Vec<Value> {
    let routes = object["spec"]["http"].as_array().into_iter().flatten();
    routes.map(|route| route["name"].clone()).collect()
}

fn is_one_of(name: &Value, names: &[String]) -> bool {
    name.as_str()
        .is_some_and(|name| names.iter().any(|other| other == name))
}

fn elements<'a>(object: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = object.get_mut(list).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn remove(object: &mut Value, field: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(field);
    }
}
