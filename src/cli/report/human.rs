//! Findings for people: the line of the file with the value underlined, the message and the help.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::findings::{Duplicates, Report, Reported};
use crate::cli::terminal::print_line;
use crate::field::Path;
use crate::files::manifests::{Document, File, Manifests};
use crate::source::{KeyNode, Span};
use crate::text::{is_unprintable, printable};
use crate::verdict::Severity;

/// A longer line is not shown.
const MAX_LINE_BYTES: usize = 2000;

/// Prints the report with colours, which `anstream` removes for `NO_COLOR` or if standard output is no terminal.
pub fn print(report: &Report<'_>) {
    for pair in &report.duplicates {
        print_line(format_args!("{}\n", render_duplicates(pair, report)));
    }
    for (document, key) in &report.repeated_keys {
        print_line(format_args!("{}\n", render_repeated(document, key, report)));
    }
    for reported in &report.findings {
        print_line(format_args!("{}\n", render_finding(reported)));
    }
    print_line(summary(report));
}

fn render_finding(reported: &Reported<'_>) -> String {
    let finding = &reported.finding;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = finding.message.without(&finding.path);
    let message = printable(&message);
    let title = level.primary_title(&*message).id(finding.rule.code);
    let help = printable(&finding.help);
    let help = Level::HELP.message(&*help);
    let label = finding.path.to_string();
    let label = printable(&label);
    let line = reported.file.map(|file| Line::of(file, reported.span));
    // An object of a live cluster has no line.
    let origin = format!("{}: {label}", finding.object);
    let group = match &line {
        Some(line) if line.text.len() > MAX_LINE_BYTES => title.element(line.origin(reported.span)),
        Some(line) => title.element(line.snippet(&label)),
        None => title.element(Origin::path(&origin)),
    };
    let note = format!(
        "rule {}: `rollout-guard explain {}`",
        finding.rule.name, finding.rule.code
    );
    let group = group.element(help).element(Level::NOTE.message(&note));
    Renderer::styled().render(&[group])
}

fn render_duplicates(pair: &Duplicates<'_>, report: &Report<'_>) -> String {
    let message = format!("{}; {}", pair.subject(), pair.effect());
    let name = Path::of(["metadata", "name"]);
    let line = |document: &Document| {
        let mut trees = report.manifests.map(Manifests::trees);
        let tree = trees.as_mut().and_then(|trees| trees.of(document));
        let span = tree.map_or(document.span, |tree| tree.locate(&name).span);
        line(document, span, report)
    };
    let lines = [
        (line(pair.first.later), "and here"),
        (line(pair.first.earlier), "first here"),
    ];
    warning(&message, &lines)
}

fn render_repeated(document: &Document, key: &KeyNode, report: &Report<'_>) -> String {
    let message = format!(
        "{}: the key `{}` stands here twice; the last one counts",
        document.object.key(),
        key.text
    );
    warning(
        &message,
        &[(line(document, key.span, report), "again here")],
    )
}

fn warning(message: &str, lines: &[(Option<Line<'_>>, &str)]) -> String {
    let message = printable(message);
    let title = Level::WARNING.primary_title(&*message);
    let snippets = lines.iter().filter_map(|(line, label)| {
        let line = line.as_ref()?;
        let is_short = line.text.len() <= MAX_LINE_BYTES;
        is_short.then(|| line.snippet(label))
    });
    let group = Group::with_title(title).elements(snippets);
    Renderer::styled().render(&[group])
}

fn line<'a>(document: &Document, span: Span, report: &Report<'a>) -> Option<Line<'a>> {
    let file = report.manifests?.file(document)?;
    Some(Line::of(file, span))
}

fn summary(report: &Report<'_>) -> String {
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    format!(
        "{}, {} in {}",
        plural(report.errors(), "error"),
        plural(report.warnings(), "warning"),
        plural(report.objects, "object")
    )
}

/// A line of a file, and the part of it to underline.
struct Line<'a> {
    file: &'a str,
    number: usize,
    /// Without control characters, each in the place of as many bytes.
    text: Cow<'a, str>,
    range: Range<usize>,
}

impl<'a> Line<'a> {
    fn of(file: &'a File, span: Span) -> Self {
        let (before, after) = file
            .text
            .split_at_checked(span.start.byte)
            .unwrap_or(("", &file.text));
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = after.find(['\n', '\r']).unwrap_or(after.len());
        let end = before.len() + rest;
        let text = file.text.get(start..end).unwrap_or_default();
        let from = before.len() - start;
        let to = span.end.byte.clamp(before.len(), end) - start;
        Self {
            file: &file.name,
            number: span.start.line.max(1),
            text: without_controls(text),
            range: from..to.max((from + 1).min(text.len())),
        }
    }

    /// The position of a line that is too long to show.
    fn origin(&self, span: Span) -> Origin<'a> {
        let origin = Origin::path(self.file).line(self.number);
        origin.char_column(span.start.column)
    }

    fn snippet<'b>(&'b self, label: &'b str) -> Snippet<'b, annotate_snippets::Annotation<'b>> {
        let annotation = AnnotationKind::Primary
            .span(self.range.clone())
            .label(label);
        Snippet::source(&*self.text)
            .path(self.file)
            .line_start(self.number)
            .annotation(annotation)
    }
}

/// The line with `·` and `�` in the place of characters that could forge or hide output, so that byte ranges stay.
fn without_controls(line: &str) -> Cow<'_, str> {
    if !line.contains(|c| is_unprintable(c) && c != '\t') {
        return Cow::Borrowed(line);
    }
    let stand_in = |c: char| match c.len_utf8() {
        _ if !is_unprintable(c) || c == '\t' => c.to_string(),
        2 => "·".to_owned(),
        3 => "�".to_owned(),
        bytes => "?".repeat(bytes),
    };
    Cow::Owned(line.chars().map(stand_in).collect())
}
