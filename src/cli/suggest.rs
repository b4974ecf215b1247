//! The edits that `fix --suggest` offers, for findings with one obvious remedy.

use std::collections::HashMap;

use super::check::check;
use crate::files::manifests::{Document, Manifests, Trees};
use crate::model::Key;
use crate::settings::Settings;
use crate::source::edit::{self, Edit};
use crate::verdict::{Finding, Remedy};

/// An edit that resolves a finding.
pub struct Suggestion {
    pub finding: Finding,
    /// Index in [`Manifests::files`].
    pub file: usize,
    pub line: usize,
    /// What to change, for people.
    pub description: String,
    pub edit: Edit,
}

/// All suggestions for these manifests.
pub fn suggestions(manifests: &Manifests, settings: &Settings) -> Vec<Suggestion> {
    let documents = manifests.by_key();
    let report = check(manifests, settings, false);
    let findings = report.findings.into_iter().map(|reported| reported.finding);
    let mut trees = manifests.trees();
    findings
        .filter_map(|finding| suggestion(finding, manifests, &documents, &mut trees))
        .collect()
}

/// The edit that resolves the finding, if there is one.
pub(super) fn suggestion(
    finding: Finding,
    manifests: &Manifests,
    documents: &HashMap<&Key, &Document>,
    trees: &mut Trees<'_>,
) -> Option<Suggestion> {
    let (key, path, action) = match finding.remedy.as_ref()? {
        Remedy::Replace(key, path, right) => (key, path, format!("write `{right}`")),
        Remedy::Rename(key, path, right) => (key, path, format!("call it `{right}`")),
        Remedy::Remove(key, path) => (key, path, "remove it".to_owned()),
    };
    let document = documents.get(key)?;
    let text = &manifests.file(document)?.text;
    let tree = trees.of(document)?;
    let edit = match finding.remedy.as_ref()? {
        Remedy::Replace(_, _, right) => edit::set(text, tree, path, &right.as_str().into()),
        Remedy::Rename(_, _, right) => edit::rename(text, tree, path, right),
        Remedy::Remove(..) => edit::remove(text, tree, path),
    };
    let located = tree.locate(path);
    Some(Suggestion {
        edit: edit?,
        description: format!("{path} of {key}: {action}"),
        line: located.span.start.line,
        file: document.file,
        finding,
    })
}
