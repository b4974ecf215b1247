//! What the editor is told: its notifications change the workspace, which is then judged, and what differs from what
//! the editor knows is published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    CodeAction, CodeActionParams, Diagnostic, DiagnosticSeverity, DidChangeTextDocumentParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, Hover,
    HoverParams, PublishDiagnosticsParams, Range, TextDocumentContentChangeEvent, Uri,
};
use serde_json::Value;

use super::actions::actions;
use super::hover::hover;
use super::judged::{Found, judge, uri_of};
use super::options::Options;
use super::pages::Pages;
use super::position::{Lines, path_of};
use super::transport::{notify, read};
use super::workspace::{Buffer, Workspace};
use crate::files::settings::SettingsError;
use crate::settings::Settings;

pub struct Server {
    options: Options,
    workspace: Workspace,
    /// The last that could be read.
    settings: Settings,
    found: Vec<Found>,
    pages: Pages,
    /// What the editor knows of each file.
    published: BTreeMap<PathBuf, Vec<Diagnostic>>,
    /// The files of which the editor is told again, as it moves what it knows while somebody types.
    touched: BTreeSet<PathBuf>,
}

impl Server {
    pub fn new(mut options: Options) -> Self {
        // It is meant from where the server starts.
        options.settings.config = options.settings.config.map(|file| absolute(&file));
        let workspace = Workspace::new(options.settings.namespace());
        Self {
            options,
            workspace,
            settings: Settings::default(),
            found: Vec::new(),
            pages: Pages::default(),
            published: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// The folders of `initialize`. Settings are looked for as if `check` ran in the first.
    pub fn open_folders(&mut self, params: &Value) {
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let folders = folders.into_iter().flatten();
        let uris = folders.filter_map(|folder| folder.get("uri")?.as_str());
        let root = params.get("rootUri").and_then(Value::as_str);
        let mut uris: Vec<&str> = uris.collect();
        if uris.is_empty() {
            uris.extend(root);
        }
        let paths = uris.iter().map(|uri| path_of(&Uri((*uri).to_owned())));
        self.set_folders(paths.flatten().collect());
    }

    fn set_folders(&mut self, folders: Vec<PathBuf>) {
        if let Some(first) = folders.first() {
            // A folder that is not there has no settings.
            let _ = std::env::set_current_dir(first);
        }
        self.workspace.folders = folders;
        self.workspace.read_again();
    }

    /// Whether there is something new to judge.
    pub fn notification(&mut self, method: &str, params: Value) -> Result<bool, String> {
        match method {
            "textDocument/didOpen" => {
                let DidOpenTextDocumentParams { text_document } = read(params)?;
                let buffer = Buffer {
                    uri: text_document.uri,
                    version: Some(text_document.version),
                    text: text_document.text,
                };
                Ok(self.set(buffer))
            }
            "textDocument/didChange" => self.change(read(params)?),
            "textDocument/didClose" => {
                let DidCloseTextDocumentParams { text_document } = read(params)?;
                let path = path_of(&text_document.uri).unwrap_or_default();
                self.workspace.close(&path);
                Ok(self.touched.insert(path))
            }
            "workspace/didChangeWorkspaceFolders" => {
                self.change_folders(read(params)?);
                Ok(true)
            }
            // Others may have written files meanwhile, which not every editor tells.
            "textDocument/didSave"
            | "workspace/didChangeWatchedFiles"
            | "workspace/didChangeConfiguration" => {
                self.workspace.read_again();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A text that is no file, such as a new one without a name, is not judged.
    fn set(&mut self, buffer: Buffer) -> bool {
        let Some(path) = path_of(&buffer.uri) else {
            return false;
        };
        self.touched.insert(path.clone());
        self.workspace.set(path, buffer);
        true
    }

    fn change(&mut self, params: DidChangeTextDocumentParams) -> Result<bool, String> {
        let document = params.text_document;
        let uri = document.text_document_identifier.uri;
        let path = path_of(&uri);
        let open = path.and_then(|path| self.workspace.open.get(&path));
        let Some(open) = open else {
            return Err(format!("{} is not open", uri.0));
        };
        let mut text = open.text.clone();
        for change in params.content_changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let lines = Lines::of(&text);
                    let start = lines.byte(change.range.start);
                    let end = lines.byte(change.range.end).max(start);
                    text.replace_range(start..end, &change.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    text = change.text;
                }
            }
        }
        Ok(self.set(Buffer {
            uri,
            version: Some(document.version),
            text,
        }))
    }

    fn change_folders(&mut self, params: DidChangeWorkspaceFoldersParams) {
        let event = params.event;
        let paths = |folders: Vec<gen_lsp_types::WorkspaceFolder>| -> Vec<PathBuf> {
            let paths = folders.iter().map(|folder| path_of(&folder.uri));
            paths.flatten().collect()
        };
        let (added, removed) = (paths(event.added), paths(event.removed));
        let mut folders = std::mem::take(&mut self.workspace.folders);
        folders.retain(|folder| !removed.contains(folder) && !added.contains(folder));
        folders.extend(added);
        self.set_folders(folders);
    }

    /// Judges the workspace as it is now, and tells the editor what is new.
    pub fn judge(&mut self) {
        let settings = self.options.settings.discover();
        let wrong_settings = match settings {
            Ok(settings) => {
                self.settings = settings;
                None
            }
            Err(error) => Some(of_settings(error)),
        };
        self.workspace.update();
        let Options {
            selection,
            complete,
            ..
        } = &self.options;
        self.found = judge(
            &self.workspace,
            &self.settings,
            selection,
            *complete,
            &mut self.pages,
        );
        let found = self.found.iter();
        let found = found.map(|found| (found.path.clone(), found.diagnostic.clone()));
        let mut by_path: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for (path, diagnostic) in found.chain(wrong_settings) {
            by_path.entry(path).or_default().push(diagnostic);
        }
        self.publish(by_path);
    }

    fn publish(&mut self, new: BTreeMap<PathBuf, Vec<Diagnostic>>) {
        let touched = std::mem::take(&mut self.touched);
        let known = std::mem::take(&mut self.published);
        let paths: BTreeSet<&PathBuf> = touched
            .iter()
            .chain(known.keys())
            .chain(new.keys())
            .collect();
        for path in paths {
            if new.get(path) == known.get(path) && !touched.contains(path) {
                continue;
            }
            let open = self.workspace.open.get(path);
            let params = PublishDiagnosticsParams {
                uri: uri_of(&self.workspace, path),
                version: open.and_then(|buffer| buffer.version),
                diagnostics: new.get(path).cloned().unwrap_or_default(),
            };
            notify("textDocument/publishDiagnostics", params);
        }
        self.published = new;
    }

    pub fn hover(&self, params: &HoverParams) -> Option<Hover> {
        let place = &params.text_document_position_params;
        let path = path_of(&place.text_document.uri)?;
        hover(&path, place.position, &self.found, &self.workspace)
    }

    pub fn actions(&self, params: &CodeActionParams) -> Vec<CodeAction> {
        let path = path_of(&params.text_document.uri);
        let of_path =
            |path: PathBuf| actions(params, &path, &self.found, &self.workspace, &self.settings);
        path.map(of_path).unwrap_or_default()
    }
}

/// A settings file that cannot be used. What was read before counts on.
fn of_settings(error: SettingsError) -> (PathBuf, Diagnostic) {
    let (file, position, message) = match error {
        SettingsError::Read { file, source } => (file, None, source.to_string()),
        SettingsError::Parse { file, source } => (file, Some(source.position), source.message),
    };
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let start = position.map_or(0, |position| position.byte.min(text.len()));
    let line = text.get(start..).and_then(|rest| rest.lines().next());
    let lines = Lines::of(&text);
    let range = Range {
        start: lines.position(start),
        end: lines.position(start + line.map_or(0, str::len)),
    };
    let diagnostic = Diagnostic {
        range,
        severity: Some(DiagnosticSeverity::Error),
        source: Some("rollout-guard".to_owned()),
        message: message.into(),
        ..Diagnostic::default()
    };
    (absolute(&file), diagnostic)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
