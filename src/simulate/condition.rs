//! Whether a route of a VirtualService takes a request: `HTTPMatchRequest`, as Envoy applies it.

use regex_lite::Regex;
use serde_json::Value;

use super::request::Request;

/// Whether the route takes the request. `None`: it asks for something that a request here does not have, such as
/// the labels of its sender.
pub(super) fn takes(route: &Value, request: &Request) -> Option<bool> {
    let matches = route.get("match").and_then(Value::as_array);
    let Some(matches) = matches.filter(|matches| !matches.is_empty()) else {
        return Some(true);
    };
    let results: Vec<Option<bool>> = matches.iter().map(|entry| fits(entry, request)).collect();
    if results.contains(&Some(true)) {
        return Some(true);
    }
    (!results.contains(&None)).then_some(false)
}

/// All conditions of an entry hold.
fn fits(entry: &Value, request: &Request) -> Option<bool> {
    let fields = entry.as_object()?;
    let mut unknown = false;
    for (field, condition) in fields {
        let result = match field.as_str() {
            "uri" => text(condition, &request.path, entry["ignoreUriCase"] == true),
            "method" => text(condition, &request.method, false),
            "authority" => text(condition, &request.host, false),
            "scheme" => text(condition, "http", false),
            "headers" => headers(condition, request),
            "withoutHeaders" => without(condition, request),
            "name" | "ignoreUriCase" | "statPrefix" => Some(true),
            _ => None,
        };
        match result {
            Some(false) => return Some(false),
            Some(true) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(true)
}

fn headers(conditions: &Value, request: &Request) -> Option<bool> {
    let conditions = conditions.as_object()?;
    let results = conditions.iter().map(|(name, condition)| {
        match request.headers.get(&name.to_lowercase()) {
            Some(value) => text(condition, value, false),
            None => Some(false),
        }
    });
    all(results)
}

fn without(conditions: &Value, request: &Request) -> Option<bool> {
    let conditions = conditions.as_object()?;
    let results = conditions.iter().map(|(name, condition)| {
        match request.headers.get(&name.to_lowercase()) {
            Some(value) => text(condition, value, false).map(|fits| !fits),
            None => Some(true),
        }
    });
    all(results)
}

fn all(results: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let results: Vec<Option<bool>> = results.collect();
    if results.contains(&Some(false)) {
        return Some(false);
    }
    (!results.contains(&None)).then_some(true)
}

/// A `StringMatch`. Without a value any text fits, as for a header that must be present.
fn text(condition: &Value, value: &str, ignore_case: bool) -> Option<bool> {
    let get = |field: &str| condition.get(field).and_then(Value::as_str);
    let same = |text: &str| {
        if ignore_case {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    if let Some(exact) = get("exact") {
        return Some(same(exact) == same(value));
    }
    if let Some(prefix) = get("prefix") {
        return Some(same(value).starts_with(&same(prefix)));
    }
    match get("regex") {
        // RE2 and this crate share a syntax; the whole text must match.
        Some(regex) => Some(Regex::new(&format!("^(?:{regex})$")).ok()?.is_match(value)),
        None => Some(true),
    }
}
