//! How messages write names and destinations.

use crate::model::Destination;
use crate::text::truncate;

const MAX_NAMES: usize = 12;
const MAX_NAME_CHARS: usize = 253;
/// More are not counted: a message for each of many names would cost the square of them.
const MAX_COUNTED: usize = 1000;

/// The names in backticks, or `none`; at most twelve of them.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter().filter(|name| !name.is_empty());
    let shown = names.by_ref().take(MAX_NAMES);
    let shown: Vec<String> = shown
        .map(|name| format!("`{}`", truncate(name, MAX_NAME_CHARS)))
        .collect();
    let text = shown.join(", ");
    match names.take(MAX_COUNTED).count() {
        _ if shown.is_empty() => "none".to_owned(),
        0 => text,
        MAX_COUNTED => format!("{text} and many more"),
        more => format!("{text} and {more} more"),
    }
}

/// A destination's host, and its subset if it has one.
pub fn destination(destination: &Destination) -> String {
    match destination.subset.as_str() {
        "" => format!("`{}`", destination.host),
        subset => format!("`{}` subset `{subset}`", destination.host),
    }
}
