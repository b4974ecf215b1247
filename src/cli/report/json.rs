//! The JSON object of `check --output json`. Its fields are an interface of the product.

use serde::Serialize;

use super::findings::{Report, Reported};
use crate::cli::terminal::print_line;
use crate::files::manifests::{Duplicate, Manifests};

#[derive(Serialize)]
struct Document<'a> {
    findings: Vec<Entry<'a>>,
    summary: Summary,
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
    file: Option<&'a str>,
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
    let duplicates = report.duplicates.iter();
    let duplicates = duplicates.filter_map(|duplicate| {
        let manifests = report.manifests?;
        Some(duplicate_entry(duplicate, manifests))
    });
    let document = Document {
        findings: duplicates
            .chain(report.findings.iter().map(entry))
            .collect(),
        summary: Summary {
            errors: report.errors(),
            warnings: report.warnings(),
            objects: report.objects,
        },
    };
    // Strings and numbers always serialise.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    print_line(text);
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
        file: file.map(|file| file.name.as_str()),
        line: file.map(|_| reported.span.start.line),
        column: file.map(|_| reported.span.start.column),
    }
}

/// No rule finds a duplicate: the entry has a code of its own.
fn duplicate_entry<'a>(duplicate: &Duplicate<'a>, manifests: &'a Manifests) -> Entry<'a> {
    let key = duplicate.later.object.key();
    let file = |document| {
        manifests
            .file(document)
            .map_or("", |file| file.name.as_str())
    };
    let earlier = duplicate.earlier.node.span.start.line;
    Entry {
        code: "duplicate-object",
        rule: "duplicate-object",
        severity: "warning",
        kind: key.kind.as_str(),
        namespace: &key.namespace,
        name: &key.name,
        field: "metadata.name".to_owned(),
        message: format!(
            "{key} is defined twice, first in {}:{earlier}; the later one counts",
            file(duplicate.earlier)
        ),
        help: "drop one of the two",
        file: Some(file(duplicate.later)),
        line: Some(duplicate.later.node.span.start.line),
        column: Some(duplicate.later.node.span.start.column),
    }
}
