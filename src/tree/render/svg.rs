//! A picture: boxes from left to right.

// Counts of lines and columns are far below 2^52.
#![allow(clippy::cast_precision_loss)]

use std::fmt::Write;

use super::layout::{Placed, layout};
use super::words::{class, escape, phrase};
use crate::text::truncate;
use crate::tree::node::Node;

pub(super) fn render(nodes: &[Node]) -> String {
    let placed = layout(nodes, height);
    let depth = placed.iter().map(|placed| placed.depth + 1).max();
    let bottom = placed
        .iter()
        .map(|placed| placed.middle + height(placed.node) / 2.0);
    let width = depth.unwrap_or(1) as f64 * (WIDTH + COLUMN_GAP) - COLUMN_GAP + 2.0 * MARGIN;
    let height = bottom.fold(0.0, f64::max) * LINE + 2.0 * MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n"
    );
    for node in &placed {
        if let Some(parent) = node.parent.and_then(|parent| placed.get(parent)) {
            text.push_str(&edge(parent, node));
        }
    }
    for node in &placed {
        text.push_str(&picture(node));
    }
    text.push_str("</svg>\n");
    text
}

/// The lines of a box: the title, a line for each fact, and the findings.
fn lines(node: &Node) -> Vec<(&'static str, String)> {
    let title = std::iter::once(("title", node.title.clone()));
    let facts = node.facts.iter().map(|fact| ("fact", phrase(fact)));
    let findings = node.findings.iter().map(|finding| {
        let text = format!("{} {}", finding.rule.code, finding.rule.name);
        (finding.severity.as_str(), text)
    });
    let lines = title.chain(facts).chain(findings);
    let short = lines.map(|(class, text)| {
        let max = if class == "fact" {
            MAX_FACT_CHARS
        } else {
            MAX_TITLE_CHARS
        };
        (class, truncate(&text, max).into_owned())
    });
    short.collect()
}

fn height(node: &Node) -> f64 {
    lines(node).len() as f64 + 0.8
}

fn left(placed: &Placed<'_>) -> f64 {
    MARGIN + placed.depth as f64 * (WIDTH + COLUMN_GAP)
}

fn edge(parent: &Placed<'_>, child: &Placed<'_>) -> String {
    let (from, to) = (left(parent) + WIDTH, left(child));
    let (start, end) = (parent.middle * LINE + MARGIN, child.middle * LINE + MARGIN);
    let bend = f64::midpoint(from, to);
    let class = class(child.node);
    format!(
        "<path class=\"edge {class}\" d=\"M{from:.1} {start:.1} C{bend:.1} {start:.1} \
         {bend:.1} {end:.1} {to:.1} {end:.1}\"/>\n"
    )
}

fn picture(placed: &Placed<'_>) -> String {
    let (node, x) = (placed.node, left(placed));
    let high = height(node) * LINE;
    let y = placed.middle * LINE + MARGIN - high / 2.0;
    let class = class(node);
    let mut text = format!(
        "<g class=\"box {class}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" \
         height=\"{high:.1}\" rx=\"6\"/>"
    );
    for finding in &node.findings {
        let tip = escape(&format!("{} {}", finding.rule.code, finding.message));
        let _ = write!(text, "<title>{tip}</title>");
    }
    for (index, (class, line)) in lines(node).iter().enumerate() {
        let (x, y) = (x + 10.0, y + (index as f64 + 1.15) * LINE);
        let line = escape(line);
        let _ = write!(
            text,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{line}</text>"
        );
    }
    text.push_str("</g>\n");
    text
}

/// In pixels.
const WIDTH: f64 = 340.0;
const COLUMN_GAP: f64 = 46.0;
const MARGIN: f64 = 16.0;
const LINE: f64 = 17.0;
/// What fits into a box.
const MAX_TITLE_CHARS: usize = 42;
const MAX_FACT_CHARS: usize = 50;
const STYLE: &str = "\
.ground{fill:#fff}\
text{font:12px ui-sans-serif,system-ui,'Helvetica Neue',Arial,sans-serif;fill:#1f2328}\
text.title{font-weight:600}text.fact{fill:#59636e;font-size:11px}\
text.error{fill:#cf222e;font-weight:600}text.warning{fill:#bc4c00;font-weight:600}\
.box rect{fill:#f6f8fa;stroke:#8c959f}\
.canary rect{fill:#fff8c5;stroke:#bf8700}.stable rect{fill:#dafbe1;stroke:#2da44e}\
.missing rect{fill:#fff;stroke:#cf222e;stroke-dasharray:4}.missing text.title{fill:#cf222e}\
.warning rect{fill:#fff1e5;stroke:#bc4c00}.error rect{fill:#ffebe9;stroke:#cf222e}\
.edge{fill:none;stroke:#8c959f;stroke-width:1.5}.edge.canary{stroke:#bf8700}\
.edge.stable{stroke:#2da44e}.edge.missing,.edge.error{stroke:#cf222e}";
