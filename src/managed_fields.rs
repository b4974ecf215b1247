//! `metadata.managedFields`: which field manager owns which fields. They tell the controller's writes and values
//! from those of other managers.

#![warn(missing_docs)]

use serde_json::{Map, Value};

/// The manager of each entry that owns the path or a parent of it.
pub fn owners<'a>(object: &'a Value, path: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let owning = entries(object).filter(move |entry| owns(entry, path));
    owning.map(manager)
}

/// The manager of each entry that owns the path, a part of it, or a parent of it.
pub fn part_owners<'a, const N: usize>(
    object: &'a Value,
    path: [&'static str; N],
) -> impl Iterator<Item = &'a str> {
    let owning = entries(object).filter(move |entry| owns(entry, &path));
    owning.map(manager)
}

/// Whether the manager owns the path, a part of it, or a parent of it.
pub fn owns_part(object: &Value, manager_name: &str, path: &[&str]) -> bool {
    let mut own = entries(object).filter(|entry| manager(entry) == manager_name);
    own.any(|entry| owns(entry, path))
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    let entries = object.pointer("/metadata/managedFields");
    entries.and_then(Value::as_array).into_iter().flatten()
}

fn manager(entry: &Value) -> &str {
    let manager = entry.get("manager").and_then(Value::as_str);
    manager.unwrap_or_default()
}

fn owns(entry: &Value, path: &[&str]) -> bool {
    let mut fields = entry.get("fieldsV1").unwrap_or(&Value::Null);
    for (depth, name) in path.iter().enumerate() {
        match fields.get(format!("f:{name}")) {
            Some(next) => fields = next,
            // `f:http: {}` owns all that is below it.
            None => return depth > 0 && fields.as_object().is_some_and(Map::is_empty),
        }
    }
    true
}
