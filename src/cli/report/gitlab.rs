//! GitLab's code quality report: an array of findings, shown in merge requests.

use serde_json::{Value, json};

use super::entry::{Entry, entries};
use super::findings::Report;
use super::json::pretty;
use super::place::path;
use crate::verdict::Severity;

pub fn render(report: &Report<'_>) -> String {
    let issues: Vec<Value> = entries(report).iter().map(issue).collect();
    pretty(&issues)
}

fn issue(entry: &Entry<'_>) -> Value {
    // The report requires a path and a line; an object of a live cluster has its name.
    let path = match entry.file {
        Some(file) => path(&file.path),
        None => entry.object.to_string(),
    };
    let line = entry.lines().map_or(1, |span| span.start.line.max(1));
    json!({
        "description": format!("{} {}: {}", entry.code, entry.rule, entry.text()),
        "check_name": entry.code,
        "fingerprint": entry.fingerprint,
        "severity": match entry.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        "location": {"path": path, "lines": {"begin": line}},
        "content": {"body": entry.help},
    })
}
