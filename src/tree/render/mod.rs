//! How trees are written.

mod dot;
mod html;
mod json;
mod layout;
mod mermaid;
mod svg;
mod text;
mod words;

use super::node::Node;

/// The forms of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, with ANSI colours, in lines of this many columns.
    Text(Option<usize>),
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
        Format::Text(columns) => text::render(nodes, columns),
        Format::Json => json::render(nodes),
        Format::Mermaid => mermaid::render(nodes),
        Format::Dot => dot::render(nodes),
        Format::Svg => svg::render(nodes),
        Format::Html => html::render(nodes),
    }
}
