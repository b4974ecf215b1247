//! How trees are written.

mod dot;
mod html;
mod json;
mod layout;
mod mermaid;
mod svg;
mod text;

use super::node::Node;

/// The forms of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, with ANSI colours.
    Text,
    /// For programs.
    Json,
    /// A Mermaid flowchart, which GitHub and GitLab draw in Markdown.
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
    /// One page with flows that open and close.
    Html,
}

/// The trees in this form, with a line end.
pub fn render(nodes: &[Node], format: Format) -> String {
    match format {
        Format::Text => text::render(nodes),
        Format::Json => json::render(nodes),
        Format::Mermaid => mermaid::render(nodes),
        Format::Dot => dot::render(nodes),
        Format::Svg => svg::render(nodes),
        Format::Html => html::render(nodes),
    }
}

/// A fact as people read it: some need no name.
fn phrase(fact: &super::node::Fact) -> String {
    match fact.name {
        "weight" | "role" | "phase" | "pods" | "state" => fact.text.clone(),
        name => format!("{name} {}", fact.text),
    }
}

/// The facts of a node in one line.
fn phrases(node: &Node) -> String {
    let phrases: Vec<String> = node.facts.iter().map(phrase).collect();
    phrases.join(" · ")
}

/// Text in XML and HTML.
fn escape(text: &str) -> String {
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
fn class(node: &Node) -> &'static str {
    let severity = node.severity().map(crate::verdict::Severity::as_str);
    severity.or(node.mark.as_str()).unwrap_or("plain")
}
