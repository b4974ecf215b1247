//! Annotations of GitHub Actions: workflow commands, which the runner reads from the output of a step.

use std::fmt::Write;

use super::entry::entries;
use super::findings::Report;
use super::place::path;
use crate::text::printable;

pub fn render(report: &Report<'_>) -> String {
    let mut output = String::new();
    for entry in entries(report) {
        let mut properties = Vec::new();
        if let Some(file) = entry.file {
            properties.push(("file", path(&file.path)));
        }
        if let Some(span) = entry.lines() {
            properties.push(("line", span.start.line.to_string()));
            properties.push(("col", span.start.column.to_string()));
            // The runner ignores columns of an annotation over several lines.
            properties.push(("endLine", span.end.line.max(span.start.line).to_string()));
            properties.push(("endColumn", span.end.column.to_string()));
        }
        let title = if entry.code == entry.rule {
            entry.code.to_owned()
        } else {
            format!("{} {}", entry.code, entry.rule)
        };
        properties.push(("title", title));
        let message = format!("{}\n{}", printable(&entry.text()), printable(entry.help));
        command(&mut output, entry.severity.as_str(), &properties, &message);
    }
    for error in report.unreadable() {
        let properties = [("file", error.file.clone())];
        command(&mut output, "error", &properties, &error.reason());
    }
    output
}

/// `::error file=a.yaml,line=1::message`, a line of its own.
fn command(output: &mut String, name: &str, properties: &[(&str, String)], message: &str) {
    let properties = properties.iter();
    let properties: Vec<String> = properties
        .map(|(name, value)| format!("{name}={}", escape_property(&printable(value))))
        .collect();
    let message = escape(message);
    // Writing to a String cannot fail.
    let _ = writeln!(output, "::{name} {}::{message}", properties.join(","));
}

/// As the runner reads messages.
fn escape(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner reads values before the message.
fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}
