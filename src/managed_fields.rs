//! `metadata.managedFields`: which field manager owns which fields. They tell the controller's writes and values
//! from those of other managers.

#![warn(missing_docs)]

use serde_json::{Map, Value};

/// The fields of `spec` that both the controller and people write.
pub const SHARED: [&str; 5] = ["http", "tls", "tcp", "subsets", "selector"];

/// The manager of each entry that owns the path, a part of it, or a parent of it.
pub fn part_owners<'a, const N: usize>(
    object: &'a Value,
    path: [&'static str; N],
) -> impl Iterator<Item = &'a str> {
    let owning = entries(object).filter(move |entry| owns(entry, &path));
    owning.map(manager)
}

/// The manager of each entry that owns the path or a parent of it.
pub fn owners<'a>(object: &'a Value, path: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let owning = entries(object).filter(move |entry| owns(entry, path));
    owning.map(manager)
}

/// Whether the manager owns the path, a part of it, or a parent of it.
pub fn owns_part(object: &Value, manager_name: &str, path: &[&str]) -> bool {
    let mut own = entries(object).filter(|entry| manager(entry) == manager_name);
    own.any(|entry| owns(entry, path))
}

/// Whether the manager owns all of the path: it is a leaf of an entry, or below one.
pub fn owns_whole(object: &Value, manager_name: &str, path: &[&str]) -> bool {
    let mut own = entries(object).filter(|entry| manager(entry) == manager_name);
    own.any(|entry| found(entry, path).is_some_and(Map::is_empty))
}

/// Whether the path is in a list that the controller has given up, see the mutation `shared-ownership`: another
/// manager applies the object server-side, and nobody owns the list.
pub fn is_given_up(object: &Value, controller: &str, path: &[&str]) -> bool {
    let ["spec", list, ..] = path else {
        return false;
    };
    SHARED.contains(list)
        && is_applied_by_another(object, controller)
        && !entries(object).any(|entry| owns(entry, path))
}

/// Whether another manager than the controller's applies the object server-side.
pub fn is_applied_by_another(object: &Value, controller: &str) -> bool {
    let applied = |entry: &Value| entry.get("operation").and_then(Value::as_str) == Some("Apply");
    entries(object).any(|entry| applied(entry) && manager(entry) != controller)
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    let metadata = object.get("metadata");
    let entries = metadata.and_then(|metadata| metadata.get("managedFields"));
    entries.and_then(Value::as_array).into_iter().flatten()
}

fn manager(entry: &Value) -> &str {
    let manager = entry.get("manager").and_then(Value::as_str);
    manager.unwrap_or_default()
}

fn owns(entry: &Value, path: &[&str]) -> bool {
    found(entry, path).is_some()
}

/// What an entry owns of the path: nothing (`None`), these parts of it, or all of it (empty).
fn found<'a>(entry: &'a Value, path: &[&str]) -> Option<&'a Map<String, Value>> {
    let mut fields = entry.get("fieldsV1")?.as_object()?;
    for (depth, name) in path.iter().enumerate() {
        match fields.get(&format!("f:{name}")) {
            Some(next) => fields = next.as_object()?,
            // `f:http: {}` owns all that is below it; `f:spec: {}` owns the map and none of its fields.
            None => return (depth > 1 && fields.is_empty()).then_some(fields),
        }
    }
    Some(fields)
}
