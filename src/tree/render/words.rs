//! What several forms say of a node, and how.

use crate::tree::node::{Fact, Node};
use crate::verdict::Severity;

/// A fact as people read it: some need no name.
pub(super) fn phrase(fact: &Fact) -> String {
    match fact.name {
        "weight" | "role" | "phase" | "pods" | "state" => fact.text.clone(),
        name => format!("{name} {}", fact.text),
    }
}

/// The facts of a node in one line.
pub(super) fn phrases(node: &Node) -> String {
    let phrases: Vec<String> = node.facts.iter().map(phrase).collect();
    phrases.join(" · ")
}

/// Text in XML and HTML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML has no way to write the other control characters.
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The class by which a node is coloured: its worst finding, else its mark.
pub(super) fn class(node: &Node) -> &'static str {
    let severity = node.severity().map(Severity::as_str);
    severity.or(node.mark.as_str()).unwrap_or("plain")
}
