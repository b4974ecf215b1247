//! How messages write names and destinations.

use crate::model::Destination;
use crate::text::first_of;

/// The names in backticks, or `none`; at most twelve of them.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names = names.into_iter().filter(|name| !name.is_empty());
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        "none".to_owned()
    } else {
        first_of(&quoted, MAX_NAMES)
    }
}

/// A destination's host, and its subset if it has one.
pub fn destination(destination: &Destination) -> String {
    match destination.subset.as_str() {
        "" => format!("`{}`", destination.host),
        subset => format!("`{}` subset `{subset}`", destination.host),
    }
}

const MAX_NAMES: usize = 12;
