//! The JSON object of `check --output json`. Its fields are an interface of the product.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use super::entry::{self, entries};
use super::findings::Report;
use crate::text::is_unprintable;

#[derive(Serialize)]
struct Document<'a> {
    findings: Vec<Entry<'a>>,
    summary: Summary,
    /// What is not judged, and why.
    notes: &'a [String],
    /// The files that cannot be used.
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    rule: &'a str,
    severity: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    field: &'a str,
    message: &'a str,
    help: &'a str,
    fingerprint: &'a str,
    /// `file`, `line` and `column` are absent for a live cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The line is one of what a tool rendered of the file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rendered: bool,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    objects: usize,
}

pub fn render(report: &Report<'_>) -> String {
    let unreadable = report.unreadable().iter().map(ToString::to_string);
    let entries = entries(report);
    let document = Document {
        findings: entries.iter().map(entry).collect(),
        summary: Summary {
            errors: report.errors(),
            warnings: report.warnings(),
            objects: report.objects,
        },
        notes: &report.notes,
        unreadable: unreadable.collect(),
    };
    pretty(&document)
}

/// Without characters that a terminal could obey or reorder, which stand as escapes. They are in strings alone.
pub fn pretty(value: &impl Serialize) -> String {
    // Strings and numbers always serialise.
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unprintable(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn entry<'a>(entry: &'a entry::Entry<'_>) -> Entry<'a> {
    let file = entry.file;
    Entry {
        code: entry.code,
        rule: entry.rule,
        severity: entry.severity.as_str(),
        kind: entry.object.kind.as_str(),
        namespace: &entry.object.namespace,
        name: &entry.object.name,
        field: &entry.field,
        message: &entry.message,
        help: entry.help,
        fingerprint: &entry.fingerprint,
        file: file.map(|file| file.path.to_string_lossy()),
        line: file.map(|_| entry.span.start.line),
        column: file.map(|_| entry.span.start.column),
        rendered: file.is_some_and(|file| file.is_rendered),
    }
}
