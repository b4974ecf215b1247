//! A tree for a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Reset, Style};

use super::words::phrases;
use crate::text::{printable, wrap};
use crate::tree::node::{Mark, Node};
use crate::verdict::{Finding, Severity};

/// Columns of text beside the deepest branches.
const MIN_ROOM: usize = 20;

pub(super) fn render(nodes: &[Node], columns: Option<usize>) -> String {
    let mut lines = Lines {
        columns,
        text: String::new(),
    };
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            lines.text.push('\n');
        }
        lines.add(node, "", "");
    }
    lines.text
}

struct Lines {
    /// What is longer goes on in the next line.
    columns: Option<usize>,
    text: String,
}

impl Lines {
    /// `first` is what stands before the node's first line, `rest` before the others.
    fn add(&mut self, node: &Node, first: &str, rest: &str) {
        let (style, dim) = (style(node), Style::new().dimmed());
        let title = printable(&node.title);
        let facts = phrases(node);
        let facts = printable(&facts);
        let gap = if facts.is_empty() { "" } else { "  " };
        let below = if node.children.is_empty() {
            "   "
        } else {
            "│  "
        };
        let below = format!("{rest}{below}");
        let content = format!("{style}{title}{style:#}{gap}{dim}{facts}{dim:#}");
        self.push(&content, (first, &below), dim);
        for finding in &node.findings {
            let rest = format!("{below}  ");
            self.push(&line(finding), (&below, &rest), Style::new());
        }
        let last = node.children.len().saturating_sub(1);
        for (index, child) in node.children.iter().enumerate() {
            let (branch, trunk) = if index == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.add(child, &format!("{rest}{branch}"), &format!("{rest}{trunk}"));
        }
    }

    /// Adds a line, or several if it is too long, of which all but the first have this style.
    fn push(&mut self, content: &str, (first, rest): (&str, &str), style: Style) {
        let dim = Style::new().dimmed();
        let room = |columns: usize| columns.saturating_sub(rest.chars().count()).max(MIN_ROOM);
        let lines = self.columns.map(|columns| wrap(content, room(columns)));
        let lines = lines.unwrap_or_else(|| vec![content.to_owned()]);
        for (index, line) in lines.iter().enumerate() {
            let _ = if index == 0 {
                writeln!(self.text, "{dim}{first}{dim:#}{line}")
            } else {
                // A style that began in the line before ends here.
                writeln!(self.text, "{Reset}{dim}{rest}{dim:#}{style}{line}{Reset}")
            };
        }
    }
}

fn line(finding: &Finding) -> String {
    let (sign, style) = match finding.severity {
        Severity::Error => ("✗", AnsiColor::Red.on_default()),
        Severity::Warning => ("!", AnsiColor::Yellow.on_default()),
    };
    let message = finding.message.to_string();
    let message = printable(&message);
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
