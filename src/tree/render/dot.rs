//! A Graphviz graph.

use std::fmt::Write;

use super::layout::layout;
use super::words::{class, phrases};
use crate::tree::node::Node;

pub(super) fn render(nodes: &[Node]) -> String {
    let placed = layout(nodes, |_| 1.0);
    let mut text = String::from(
        "digraph flows {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (index, placed) in placed.iter().enumerate() {
        let (label, colours) = (label(placed.node), colours(class(placed.node)));
        let _ = writeln!(text, "  n{index} [label=\"{label}\", {colours}];");
    }
    for (index, placed) in placed.iter().enumerate() {
        if let Some(parent) = placed.parent {
            let _ = writeln!(text, "  n{parent} -> n{index};");
        }
    }
    text.push_str("}\n");
    text
}

fn label(node: &Node) -> String {
    let findings = node.findings.iter();
    let findings = findings.map(|finding| format!("{} {}", finding.rule.code, finding.message));
    let lines = [node.title.clone(), phrases(node)].into_iter();
    let lines = lines.chain(findings).filter(|line| !line.is_empty());
    lines.map(|line| quoted(&line) + "\\l").collect()
}

fn quoted(text: &str) -> String {
    let text = text.replace(|character: char| character.is_control(), " ");
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn colours(class: &str) -> &'static str {
    match class {
        "canary" => "fillcolor=\"#fff8c5\", color=\"#bf8700\"",
        "stable" => "fillcolor=\"#dafbe1\", color=\"#2da44e\"",
        "missing" => "fillcolor=\"#ffffff\", color=\"#cf222e\", fontcolor=\"#cf222e\"",
        "warning" => "fillcolor=\"#fff1e5\", color=\"#bc4c00\"",
        "error" => "fillcolor=\"#ffebe9\", color=\"#cf222e\"",
        _ => "fillcolor=\"#f6f8fa\", color=\"#8c959f\"",
    }
}
