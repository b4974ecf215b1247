//! A tree for a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::words::phrases;
use crate::tree::node::{Mark, Node};
use crate::verdict::{Finding, Severity};

pub(super) fn render(nodes: &[Node]) -> String {
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        add(node, "", "", &mut text);
    }
    text
}

/// `first` is what stands before its first line, `rest` before the others.
fn add(node: &Node, first: &str, rest: &str, text: &mut String) {
    let (style, dim) = (style(node), Style::new().dimmed());
    let title = crate::text::printable(&node.title);
    let facts = phrases(node);
    let facts = crate::text::printable(&facts);
    let gap = if facts.is_empty() { "" } else { "  " };
    let _ = writeln!(
        text,
        "{dim}{first}{dim:#}{style}{title}{style:#}{gap}{dim}{facts}{dim:#}"
    );
    let below = if node.children.is_empty() {
        "   "
    } else {
        "│  "
    };
    for finding in &node.findings {
        let _ = writeln!(text, "{dim}{rest}{below}{dim:#}{}", line(finding));
    }
    let last = node.children.len().saturating_sub(1);
    for (index, child) in node.children.iter().enumerate() {
        let (branch, trunk) = if index == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        add(
            child,
            &format!("{rest}{branch}"),
            &format!("{rest}{trunk}"),
            text,
        );
    }
}

fn line(finding: &Finding) -> String {
    let (sign, style) = match finding.severity {
        Severity::Error => ("✗", AnsiColor::Red.on_default()),
        Severity::Warning => ("!", AnsiColor::Yellow.on_default()),
    };
    let message = finding.message.to_string();
    let message = crate::text::printable(&message);
    format!("{style}{sign} {}{style:#} {message}", finding.rule.code)
}

fn style(node: &Node) -> Style {
    let style = match node.mark {
        Mark::Canary => AnsiColor::Yellow.on_default(),
        Mark::Stable => AnsiColor::Green.on_default(),
        Mark::Missing => AnsiColor::Red.on_default(),
        Mark::Plain => Style::new(),
    };
    if node.object().is_some() {
        style.bold()
    } else {
        style
    }
}
