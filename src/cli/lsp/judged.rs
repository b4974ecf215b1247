//! What `check` finds in the workspace, as diagnostics, and with the places that a finding depends on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Range,
    Uri,
};

use super::pages::Pages;
use super::position::Lines;
use super::workspace::Workspace;
use crate::cli::check::check;
use crate::cli::report::{Entry, Report, entries, retain, uri};
use crate::cli::selection::Selection;
use crate::field;
use crate::files::manifests::{Document, File, Manifests};
use crate::model::Key;
use crate::settings::Settings;
use crate::source::{Limits, Position, Span, parse_leniently};
use crate::verdict::{Finding, Severity};

/// One finding in one file.
pub struct Found {
    pub path: PathBuf,
    pub diagnostic: Diagnostic,
    /// `None` for what no rule finds.
    pub finding: Option<Finding>,
    /// The fields of other objects that it depends on.
    pub related: Vec<(PathBuf, Range)>,
}

/// Judges the manifests of the workspace.
pub fn judge(
    workspace: &Workspace,
    settings: &Settings,
    selection: &Selection,
    complete: bool,
    pages: &mut Pages,
) -> Vec<Found> {
    let manifests = &workspace.manifests;
    let mut report = check(manifests, settings, complete);
    retain(&mut report, |entry| selection.includes(entry));
    let mut places = Places {
        workspace,
        documents: manifests.by_key(),
        lines: HashMap::new(),
    };
    let mut found = places.duplicates(&report);
    let all = entries(&report);
    let entries = all.iter().skip(all.len() - report.findings.len());
    for (entry, reported) in entries.zip(&report.findings) {
        let Some((path, mut diagnostic)) = places.diagnostic(entry) else {
            continue;
        };
        let href = pages.uri_of(entry.code).map(Uri);
        diagnostic.code_description = href.map(|href| CodeDescription { href });
        let related = places.related(&reported.finding);
        let information = related.iter().map(|(path, range, message)| {
            let location = places.location(path, *range);
            DiagnosticRelatedInformation {
                location,
                message: message.clone(),
            }
        });
        diagnostic.related_information = Some(information.collect());
        found.push(Found {
            path,
            diagnostic,
            finding: Some(reported.finding.clone()),
            related: related
                .into_iter()
                .map(|(path, range, _)| (path, range))
                .collect(),
        });
    }
    found.retain(|found| !workspace.is_broken(&found.path));
    let unreadable = workspace.unreadable();
    found.extend(unreadable.map(|(path, error)| unreadable_file(workspace, path, error.reason())));
    found
}

struct Places<'a> {
    workspace: &'a Workspace,
    documents: HashMap<&'a Key, &'a Document>,
    lines: HashMap<&'a Path, Lines<'a>>,
}

impl<'a> Places<'a> {
    /// What stands twice, which no rule finds.
    fn duplicates(&mut self, report: &'a Report<'a>) -> Vec<Found> {
        let entries = entries(report);
        let mut trees = self.manifests().trees();
        let firsts = report.duplicates.iter().map(|pair| {
            let first = pair.first.earlier;
            let name = field::Path::of(["metadata", "name"]);
            Some((first, trees.of(first)?.locate(&name).span))
        });
        let firsts = firsts.chain(std::iter::repeat(None));
        let count = entries.len() - report.findings.len();
        let twice = entries.iter().zip(firsts).take(count);
        let found = twice.filter_map(|(entry, first)| {
            let (path, mut diagnostic) = self.diagnostic(entry)?;
            let place = first.and_then(|(document, span)| {
                let file = self.manifests().file(document)?;
                Some((file.path.clone(), self.range(file, span)))
            });
            let information = place.map(|(path, range)| {
                vec![DiagnosticRelatedInformation {
                    location: self.location(&path, range),
                    message: "first here".to_owned(),
                }]
            });
            diagnostic.related_information = information;
            Some(Found {
                path,
                diagnostic,
                finding: None,
                related: Vec::new(),
            })
        });
        found.collect()
    }

    fn diagnostic(&mut self, entry: &Entry<'a>) -> Option<(PathBuf, Diagnostic)> {
        let file = entry.file?;
        let severity = match entry.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        };
        let diagnostic = Diagnostic {
            range: self.range(file, first_line(entry.span, &file.text)),
            severity: Some(severity),
            code: Some(entry.code.into()),
            source: Some(SOURCE.to_owned()),
            message: format!("{}\n{}", entry.message, entry.help).into(),
            ..Diagnostic::default()
        };
        Some((file.path.clone(), diagnostic))
    }

    /// The fields of other objects, with what people read of each.
    fn related(&mut self, finding: &Finding) -> Vec<(PathBuf, Range, String)> {
        let others = finding.others.iter();
        let mut trees = self.manifests().trees();
        let known = others.filter_map(|(key, path)| {
            let document = *self.documents.get(key)?;
            let file = self.manifests().file(document)?;
            let span = trees.of(document)?.locate(path).span;
            let range = self.range(file, first_line(span, &file.text));
            let place = path.to_string();
            let message = match place.as_str() {
                "" => key.to_string(),
                place => format!("{key}: `{place}`"),
            };
            Some((file.path.clone(), range, message))
        });
        known.collect()
    }

    fn range(&mut self, file: &'a File, span: Span) -> Range {
        let lines = self.lines.entry(&file.path);
        lines.or_insert_with(|| Lines::of(&file.text)).range(span)
    }

    fn location(&self, path: &Path, range: Range) -> Location {
        Location {
            uri: uri_of(self.workspace, path),
            range,
        }
    }

    fn manifests(&self) -> &'a Manifests {
        &self.workspace.manifests
    }
}

const SOURCE: &str = "rollout-guard";

/// The URI of the file, as the editor writes it if it has the file open.
pub fn uri_of(workspace: &Workspace, path: &Path) -> Uri {
    let open = workspace.open.get(path);
    open.map_or_else(|| Uri(uri(path)), |buffer| buffer.uri.clone())
}

/// A value of several lines is underlined on its first.
fn first_line(span: Span, text: &str) -> Span {
    let value = text.get(span.start.byte..span.end.byte).unwrap_or_default();
    let length = value.find(['\n', '\r']).unwrap_or(value.len());
    let end = Position {
        byte: span.start.byte + length,
        ..span.end
    };
    Span { end, ..span }
}

/// A file that cannot be used, at the place where it cannot be parsed.
fn unreadable_file(workspace: &Workspace, path: PathBuf, reason: String) -> Found {
    let open = workspace.open.get(&path).map(|buffer| buffer.text.as_str());
    let place = open.and_then(|text| {
        let byte = match parse_leniently(text, Limits::default()) {
            Err(error) => error.position.byte,
            Ok(parsed) => parsed.complex_keys.first()?.start.byte,
        };
        let lines = Lines::of(text);
        Some(lines.position(byte.min(text.len())))
    });
    let place = place.unwrap_or_default();
    Found {
        diagnostic: Diagnostic {
            range: Range {
                start: place,
                end: place,
            },
            severity: Some(DiagnosticSeverity::Error),
            source: Some(SOURCE.to_owned()),
            message: reason.into(),
            ..Diagnostic::default()
        },
        path,
        finding: None,
        related: Vec::new(),
    }
}
