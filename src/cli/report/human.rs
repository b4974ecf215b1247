//! Findings for people: the line of the file with the value underlined, the message and the help.

use std::collections::HashMap;

use annotate_snippets::{Group, Level, Origin};

use super::findings::{Duplicates, Report, Reported};
use super::line::{Line, render};
use crate::cli::terminal::{columns, print_line};
use crate::field::Path;
use crate::files::manifests::{Document, Manifests};
use crate::source::{KeyNode, Span};
use crate::text::{printable, wrap};
use crate::verdict::Severity;

/// Prints the report with colours, which `anstream` removes for `NO_COLOR` or if standard output is no terminal.
pub fn print(report: &Report<'_>) {
    if let Some(manifests) = report.manifests {
        let names = Names::of(&report.duplicates, manifests);
        for pair in &report.duplicates {
            print_line(format_args!("{}\n", render_duplicates(pair, &names)));
        }
        for (document, key) in &report.repeated_keys {
            print_line(format_args!(
                "{}\n",
                render_repeated(document, key, manifests)
            ));
        }
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
    let message = text_after("warning[RG000]: ", &finding.message.without(&finding.path));
    let title = level.primary_title(message).id(finding.rule.code);
    let help = Level::HELP.message(text_after("   = help: ", &finding.help));
    let label = finding.path.to_string();
    let label = printable(&label).into_owned();
    let line = reported.file.map(|file| Line::of(file, reported.span));
    // An object of a live cluster has no line.
    let origin = format!("{}: {label}", finding.object);
    let label = match &line {
        Some(line) => line.label(label),
        None => label,
    };
    let group = match &line {
        Some(line) => title.element(line.snippet(&label)),
        None => title.element(Origin::path(&origin)),
    };
    let note = format!(
        "rule {}: `rollout-guard explain {}`",
        finding.rule.name, finding.rule.code
    );
    let note = Level::NOTE.message(text_after("   = note: ", &note));
    let group = group.element(help).element(note);
    render(group, &line)
}

fn render_duplicates(pair: &Duplicates<'_>, names: &Names<'_>) -> String {
    let message = format!("{}; {}", pair.subject(), pair.effect());
    let lines = [
        (names.line(pair.first.later), "and here"),
        (names.line(pair.first.earlier), "first here"),
    ];
    warning(&message, &lines)
}

fn render_repeated(document: &Document, key: &KeyNode, manifests: &Manifests) -> String {
    let message = format!(
        "{}: the key `{}` stands here twice; the last one counts",
        document.object.key(),
        key.text
    );
    let line = manifests
        .file(document)
        .map(|file| Line::of(file, key.span));
    warning(&message, &[(line, "again here")])
}

fn warning(message: &str, lines: &[(Option<Line<'_>>, &str)]) -> String {
    let title = Level::WARNING.primary_title(text_after("warning: ", message));
    let lines = lines
        .iter()
        .filter_map(|(line, label)| Some((line.as_ref()?, label)));
    let snippets = lines.clone().map(|(line, label)| line.snippet(label));
    let group = Group::with_title(title).elements(snippets);
    render(group, lines.map(|(line, _)| line))
}

/// The text behind this beginning of a line, in the lines that a terminal has room for.
fn text_after(start: &str, text: &str) -> String {
    let text = printable(text);
    match columns() {
        Some(columns) => wrap(&text, columns.saturating_sub(start.len())).join("\n"),
        None => text.into_owned(),
    }
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

/// Where the names of the objects stand that are defined twice.
struct Names<'a> {
    manifests: &'a Manifests,
    /// By file and start of the document.
    spans: HashMap<(usize, usize), Span>,
}

impl<'a> Names<'a> {
    /// Document by document, so that each is parsed again at most once.
    fn of(duplicates: &[Duplicates<'_>], manifests: &'a Manifests) -> Self {
        let name = Path::of(["metadata", "name"]);
        let documents = duplicates
            .iter()
            .flat_map(|pair| [pair.first.later, pair.first.earlier]);
        let mut documents: Vec<&Document> = documents.collect();
        documents.sort_by_key(|document| place(document));
        let mut trees = manifests.trees();
        let spans = documents.into_iter().map(|document| {
            let tree = trees.of(document);
            let span = tree.map_or(document.span, |tree| tree.locate(&name).span);
            (place(document), span)
        });
        Self {
            manifests,
            spans: spans.collect(),
        }
    }

    fn line(&self, document: &Document) -> Option<Line<'a>> {
        let file = self.manifests.file(document)?;
        Some(Line::of(file, *self.spans.get(&place(document))?))
    }
}

fn place(document: &Document) -> (usize, usize) {
    (document.file, document.span.start.byte)
}
