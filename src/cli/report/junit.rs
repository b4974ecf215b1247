//! JUnit XML: a test case for each object, which fails if it has an error.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::entry::{Entry, entries};
use super::findings::Report;
use super::place::path;
use crate::model::Key;
use crate::text::printable;
use crate::verdict::Severity;

/// What is known of one object.
#[derive(Default)]
struct Case<'a> {
    file: String,
    errors: Vec<&'a Entry<'a>>,
    warnings: Vec<&'a Entry<'a>>,
}

pub fn render(report: &Report<'_>) -> String {
    let entries = entries(report);
    let cases = cases(report, &entries);
    let unreadable = report.unreadable();
    let failures = cases
        .values()
        .filter(|case| !case.errors.is_empty())
        .count();
    let counts = format!(
        r#"tests="{}" failures="{failures}" errors="{}""#,
        cases.len() + unreadable.len(),
        unreadable.len()
    );
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"rollout-guard\" {counts}>\n"
    );
    for (object, case) in &cases {
        write_case(&mut xml, &object.to_string(), case);
    }
    for error in unreadable {
        let (file, reason) = (escape(&error.file), escape(&error.reason()));
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{file}\" name=\"is readable\"><error message=\"{reason}\"/></testcase>"
        );
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn cases<'a>(report: &'a Report<'_>, entries: &'a [Entry<'a>]) -> BTreeMap<&'a Key, Case<'a>> {
    let mut cases: BTreeMap<&Key, Case<'_>> = BTreeMap::new();
    if let Some(manifests) = report.manifests {
        for document in &manifests.documents {
            let file = manifests.file(document).map(|file| path(&file.path));
            let case = cases.entry(document.object.key()).or_default();
            case.file = file.unwrap_or_default();
        }
    }
    for entry in entries {
        let case = cases.entry(entry.object).or_default();
        match entry.severity {
            Severity::Error => case.errors.push(entry),
            Severity::Warning => case.warnings.push(entry),
        }
    }
    cases
}

fn write_case(xml: &mut String, object: &str, case: &Case<'_>) {
    let (file, object) = (escape(&case.file), escape(object));
    let _ = write!(xml, "    <testcase classname=\"{file}\" name=\"{object}\"");
    if case.errors.is_empty() && case.warnings.is_empty() {
        *xml += "/>\n";
        return;
    }
    *xml += ">\n";
    if let Some(first) = case.errors.first() {
        let (code, message) = (first.code, escape(&first.message));
        let text = text(&case.errors);
        let _ = writeln!(
            xml,
            "      <failure type=\"{code}\" message=\"{message}\">{text}</failure>"
        );
    }
    if !case.warnings.is_empty() {
        let text = text(&case.warnings);
        let _ = writeln!(xml, "      <system-out>{text}</system-out>");
    }
    *xml += "    </testcase>\n";
}

fn text(entries: &[&Entry<'_>]) -> String {
    let lines = entries.iter().map(|entry| {
        let file = entry.file.map_or("", |file| file.name.as_str());
        let (level, code, line) = (entry.severity.as_str(), entry.code, entry.span.start.line);
        let (message, help) = (printable(&entry.message), printable(entry.help));
        escape_lines(&format!(
            "{level}[{code}] {file}:{line}: {message}\n  help: {help}"
        ))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// For an attribute: one line.
fn escape(text: &str) -> String {
    escape_lines(&printable(text))
}

/// Without what XML gives a meaning, and the two characters that are printable and that it does not allow.
fn escape_lines(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
