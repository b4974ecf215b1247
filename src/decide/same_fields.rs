//! Compares objects field by field.

use serde_json::{Map, Value};

/// Whether the two are equal without these fields. A map that is absent is an empty one.
pub(super) fn is_same_without(old: &Value, new: &Value, fields: &[&str]) -> bool {
    if [old, new]
        .iter()
        .any(|value| !value.is_null() && !value.is_object())
    {
        return old == new;
    }
    let maps = [old, new].into_iter().filter_map(Value::as_object);
    let names = maps.flat_map(Map::keys);
    names
        .filter(|name| !fields.contains(&name.as_str()))
        .all(|name| old.get(name) == new.get(name))
}

pub(super) fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    value.get(field).unwrap_or(&Value::Null)
}

pub(super) fn elements<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    at(value, field).as_array().map_or(&[], Vec::as_slice)
}
