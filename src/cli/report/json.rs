//! The JSON object of `check --output json`. Its fields are an interface of the product.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use super::findings::{Duplicates, Report, Reported};
use crate::cli::terminal::print_line;
use crate::files::manifests::{Document as Manifest, Manifests};
use crate::source::KeyNode;
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
    field: String,
    message: String,
    help: &'a str,
    /// `file`, `line` and `column` are absent for a live cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    objects: usize,
}

pub fn print(report: &Report<'_>) {
    let manifests = report.manifests;
    let duplicates = report.duplicates.iter();
    let duplicates = duplicates.filter_map(|pair| Some(duplicate_entry(pair, manifests?)));
    let repeated = report.repeated_keys();
    let repeated =
        repeated.filter_map(|(document, key)| Some(repeated_entry(document, key, manifests?)));
    let unreadable = manifests
        .into_iter()
        .flat_map(|manifests| &manifests.unreadable);
    let document = Document {
        findings: duplicates
            .chain(repeated)
            .chain(report.findings.iter().map(entry))
            .collect(),
        summary: Summary {
            errors: report.errors(),
            warnings: report.warnings(),
            objects: report.objects,
        },
        notes: &report.notes,
        unreadable: unreadable.map(ToString::to_string).collect(),
    };
    // Strings and numbers always serialise.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    print_line(escaped(&text));
}

/// The same JSON, with what a terminal could obey or reorder as escapes. Such characters stand in strings alone.
fn escaped(json: &str) -> String {
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

fn entry<'a>(reported: &'a Reported<'_>) -> Entry<'a> {
    let (finding, file) = (&reported.finding, reported.file);
    Entry {
        code: finding.rule.code,
        rule: finding.rule.name,
        severity: finding.severity.as_str(),
        kind: finding.object.kind.as_str(),
        namespace: &finding.object.namespace,
        name: &finding.object.name,
        field: finding.path.to_string(),
        message: finding.message.to_string(),
        help: &finding.help,
        file: file.map(|file| file.path.to_string_lossy()),
        line: file.map(|_| reported.span.start.line),
        column: file.map(|_| reported.span.start.column),
    }
}

/// No rule finds a duplicate: the entry has a code of its own.
fn duplicate_entry<'a>(pair: &Duplicates<'a>, manifests: &'a Manifests) -> Entry<'a> {
    let first = manifests.file(pair.first.earlier);
    let first = first.map_or("", |file| file.name.as_str());
    let line = pair.first.earlier.node.span.start.line;
    let message = format!(
        "{}, first in {first}:{line}; {}",
        pair.subject(),
        pair.effect()
    );
    let later = pair.first.later;
    Entry {
        field: "metadata.name".to_owned(),
        message,
        help: "drop one of the two",
        line: Some(later.node.span.start.line),
        column: Some(later.node.span.start.column),
        ..of_file("duplicate-object", later, manifests)
    }
}

/// Of a key that stands twice the last counts, as for kubectl.
fn repeated_entry<'a>(
    document: &'a Manifest,
    key: &'a KeyNode,
    manifests: &'a Manifests,
) -> Entry<'a> {
    Entry {
        field: key.text.clone(),
        message: format!(
            "the key `{}` stands here twice; the last one counts",
            key.text
        ),
        help: "drop one of the two",
        line: Some(key.span.start.line),
        column: Some(key.span.start.column),
        ..of_file("duplicate-key", document, manifests)
    }
}

fn of_file<'a>(code: &'a str, document: &'a Manifest, manifests: &'a Manifests) -> Entry<'a> {
    let key = document.object.key();
    let file = manifests.file(document);
    Entry {
        code,
        rule: code,
        severity: "warning",
        kind: key.kind.as_str(),
        namespace: &key.namespace,
        name: &key.name,
        field: String::new(),
        message: String::new(),
        help: "",
        file: file.map(|file| file.path.to_string_lossy()),
        line: None,
        column: None,
    }
}
