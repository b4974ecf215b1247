//! Code actions: the edits of `fix --suggest` for findings, and those of `fix` for a file.

use std::collections::HashMap;
use std::path::Path;

use gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, Range, WorkspaceEdit};

use super::judged::{Found, uri_of};
use super::position::{difference, meet};
use super::workspace::Workspace;
use crate::cli::fix::{edited, edits_of};
use crate::cli::suggest::suggestion;
use crate::cluster::Cluster;
use crate::files::manifests::File;
use crate::settings::Settings;
use crate::source::edit::Edit;

/// What `fix` does to a file.
pub const FIX: CodeActionKind = CodeActionKind::new("source.fixAll.rollout-guard");

/// The actions for this range of the file.
pub fn actions(
    params: &CodeActionParams,
    path: &Path,
    found: &[Found],
    workspace: &Workspace,
    settings: &Settings,
) -> Vec<CodeAction> {
    let wanted = |kind: &CodeActionKind| {
        let only = params.context.only.as_ref();
        only.is_none_or(|kinds| kinds.iter().any(|wanted| is_within(kind, wanted)))
    };
    let mut actions = Vec::new();
    if wanted(&CodeActionKind::QuickFix) {
        actions.extend(quick_fixes(params.range, path, found, workspace));
    }
    if wanted(&FIX) {
        actions.extend(fix_of(path, workspace, settings));
    }
    actions
}

/// `source.fixAll.x` is within `source.fixAll`, and everything within the empty kind.
fn is_within(kind: &CodeActionKind, wanted: &CodeActionKind) -> bool {
    let rest = kind.as_str().strip_prefix(wanted.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || wanted.as_str().is_empty())
}

fn quick_fixes(
    range: Range,
    path: &Path,
    found: &[Found],
    workspace: &Workspace,
) -> Vec<CodeAction> {
    let documents = workspace.manifests.by_key();
    let mut trees = workspace.manifests.trees();
    let here = found.iter();
    let here = here.filter(|found| found.path == path && meet(&found.diagnostic.range, &range));
    let fixes = here.filter_map(|found| {
        let finding = found.finding.clone()?;
        let suggestion = suggestion(finding, &workspace.manifests, &documents, &mut trees)?;
        let file = workspace.manifests.files.get(suggestion.file)?;
        Some(CodeAction {
            title: suggestion.description,
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![found.diagnostic.clone()]),
            is_preferred: Some(true),
            edit: Some(workspace_edit(file, vec![suggestion.edit], workspace)?),
            ..CodeAction::default()
        })
    });
    fixes.collect()
}

/// What the webhook would add to the objects of the file.
fn fix_of(path: &Path, workspace: &Workspace, settings: &Settings) -> Option<CodeAction> {
    let manifests = &workspace.manifests;
    let index = manifests.files.iter().position(|file| file.path == path)?;
    let file = manifests.files.get(index)?;
    let cluster: Cluster = manifests.cluster(settings.mesh.clone());
    let documents = manifests.documents.iter();
    let documents = documents.filter(|document| document.file == index);
    let edits: Vec<Edit> = documents
        .flat_map(|document| edits_of(manifests, document, &cluster, settings))
        .collect();
    Some(CodeAction {
        title: "Add the labels and route names that the webhook would add".to_owned(),
        kind: Some(FIX),
        edit: Some(workspace_edit(file, edits, workspace)?),
        ..CodeAction::default()
    })
}

/// `None` if the edits change nothing, or cannot be made in the text that the editor holds.
fn workspace_edit(file: &File, edits: Vec<Edit>, workspace: &Workspace) -> Option<WorkspaceEdit> {
    if edits.is_empty() || workspace.is_broken(&file.path) {
        return None;
    }
    let new = edited(file, edits);
    if new == file.text {
        return None;
    }
    let edit = difference(&file.text, &new);
    let uri = uri_of(workspace, &file.path);
    Some(WorkspaceEdit {
        changes: Some(HashMap::from([(uri, vec![edit])])),
        ..WorkspaceEdit::default()
    })
}
