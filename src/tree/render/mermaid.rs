//! A Mermaid flowchart.

use std::fmt::Write;

use super::layout::{Placed, layout};
use super::words::{class, phrases};
use crate::tree::node::Node;

pub(super) fn render(nodes: &[Node]) -> String {
    let placed = layout(nodes, |_| 1.0);
    let mut text = String::from("flowchart LR\n");
    for (index, placed) in placed.iter().enumerate() {
        let (label, class) = (label(placed.node), class(placed.node));
        let _ = writeln!(text, "  n{index}[\"{label}\"]:::{class}");
    }
    for (index, placed) in placed.iter().enumerate() {
        if let Placed {
            parent: Some(parent),
            ..
        } = placed
        {
            let _ = writeln!(text, "  n{parent} --> n{index}");
        }
    }
    for (class, style) in STYLES {
        let _ = writeln!(text, "  classDef {class} {style}");
    }
    text
}

fn label(node: &Node) -> String {
    let findings = node.findings.iter();
    let findings = findings.map(|finding| {
        let (code, message) = (finding.rule.code, finding.message.to_string());
        format!("{code} {}", crate::text::truncate(&message, MESSAGE_CHARS))
    });
    let lines = [node.title.clone(), phrases(node)].into_iter();
    let lines = lines.chain(findings).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| quoted(&line)).collect();
    lines.join("<br/>")
}

/// Mermaid reads entities, with `#` in place of `&`.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '[' | ']' | '{' | '}' | '(' | ')' => {
                let _ = write!(quoted, "#{};", u32::from(character));
            }
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted
}

const MESSAGE_CHARS: usize = 120;
const STYLES: [(&str, &str); 6] = [
    ("plain", "fill:#f6f8fa,stroke:#8c959f,color:#1f2328"),
    ("canary", "fill:#fff8c5,stroke:#bf8700,color:#1f2328"),
    ("stable", "fill:#dafbe1,stroke:#2da44e,color:#1f2328"),
    (
        "missing",
        "fill:#ffffff,stroke:#cf222e,color:#cf222e,stroke-dasharray:4",
    ),
    ("warning", "fill:#fff1e5,stroke:#bc4c00,color:#1f2328"),
    ("error", "fill:#ffebe9,stroke:#cf222e,color:#1f2328"),
];
