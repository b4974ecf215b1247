//! One connection with an editor: its beginning and end, and when the workspace is judged. Judging waits for a pause in
//! typing; requests about a text that is not judged yet wait for it.

use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, HoverParams, InitializeResult, Save,
    ServerCapabilities, ServerInfo, TextDocumentSyncKind, TextDocumentSyncOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId};
use serde_json::{Value, json};

use super::actions::FIX;
use super::options::Options;
use super::server::Server;
use super::transport::{answer, incoming, read, refuse, request};
use crate::cli::terminal::print_error;

/// A pause in typing: a quarter of what judging costs, so that a small workspace is judged at each key, and a large one
/// does not keep a core busy.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(150);
/// Who types without a pause sees findings after this time.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Session {
    server: Server,
    stage: Stage,
    /// When something changed that is not judged yet: for the first and for the last time.
    changed: Option<(Instant, Instant)>,
    /// What judging took the last time.
    cost: Duration,
    /// The requests that wait until it is judged.
    waiting: Vec<Request>,
}

enum Stage {
    New,
    /// The client can watch files.
    Running {
        watches: bool,
    },
    ShutDown,
}

impl Session {
    pub fn new(options: Options) -> Self {
        Self {
            server: Server::new(options),
            stage: Stage::New,
            changed: None,
            cost: Duration::ZERO,
            waiting: Vec::new(),
        }
    }

    /// Until the client sends `exit`, or is gone. Without a `shutdown` before it, that is a failure.
    pub fn run(mut self) -> ExitCode {
        let incoming = incoming();
        loop {
            let next = match self.pause() {
                None => incoming.recv().map_err(RecvTimeoutError::from),
                Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
                Some(pause) => incoming.recv_timeout(pause),
            };
            match next {
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Ok(Message::Request(request)) => self.request(request),
                Ok(Message::Notification(Notification { method, params })) => {
                    if method == "exit" {
                        break;
                    }
                    self.notification(&method, params);
                }
                Ok(Message::Response(_)) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        match self.stage {
            Stage::ShutDown => ExitCode::SUCCESS,
            Stage::New | Stage::Running { .. } => ExitCode::FAILURE,
        }
    }

    /// How long to wait for a next change; `None` if all is judged.
    fn pause(&self) -> Option<Duration> {
        let (first, last) = self.changed?;
        let pause = (self.cost / 4).clamp(MIN_PAUSE, MAX_PAUSE);
        let due = (first + PATIENCE).min(last + pause);
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn settle(&mut self) {
        let start = Instant::now();
        self.server.judge();
        self.cost = start.elapsed();
        self.changed = None;
        for request in std::mem::take(&mut self.waiting) {
            self.answer(request);
        }
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match (&self.stage, method.as_str()) {
            (Stage::New, "initialize") => self.initialize(id, &params),
            (Stage::New, _) => refuse(id, ErrorCode::ServerNotInitialized, "not initialized"),
            (Stage::ShutDown, _) => refuse(id, ErrorCode::InvalidRequest, "it is shut down"),
            (_, "shutdown") => {
                if !self.waiting.is_empty() {
                    self.settle();
                }
                self.stage = Stage::ShutDown;
                self.changed = None;
                answer(id, Value::Null);
            }
            (_, "textDocument/hover" | "textDocument/codeAction") => {
                let request = Request { id, method, params };
                if self.changed.is_some() {
                    self.waiting.push(request);
                } else {
                    self.answer(request);
                }
            }
            (_, "initialize") => refuse(id, ErrorCode::InvalidRequest, "it is initialized"),
            _ => refuse(id, ErrorCode::MethodNotFound, "no such method"),
        }
    }

    fn answer(&self, request: Request) {
        let Request { id, method, params } = request;
        if method == "textDocument/hover" {
            match read::<HoverParams>(params) {
                Ok(params) => answer(id, self.server.hover(&params)),
                Err(error) => refuse(id, ErrorCode::InvalidParams, &error),
            }
        } else {
            match read::<CodeActionParams>(params) {
                Ok(params) => answer(id, self.server.actions(&params)),
                Err(error) => refuse(id, ErrorCode::InvalidParams, &error),
            }
        }
    }

    fn initialize(&mut self, id: RequestId, params: &Value) {
        let watches = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";
        let watches = params.pointer(watches).and_then(Value::as_bool);
        self.stage = Stage::Running {
            watches: watches.unwrap_or_default(),
        };
        self.server.open_folders(params);
        self.change();
        let info = ServerInfo {
            name: "rollout-guard".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        };
        answer(
            id,
            InitializeResult {
                capabilities: capabilities(),
                server_info: Some(info),
            },
        );
    }

    fn notification(&mut self, method: &str, params: Value) {
        let Stage::Running { watches } = self.stage else {
            return;
        };
        match method {
            "initialized" if watches => watch_files(),
            "$/cancelRequest" => self.cancel(&params),
            _ => match self.server.notification(method, params) {
                Ok(true) => self.change(),
                Ok(false) => {}
                Err(error) => print_error(format_args!("{method}: {error}")),
            },
        }
    }

    fn change(&mut self) {
        let now = Instant::now();
        let first = self.changed.map_or(now, |(first, _)| first);
        self.changed = Some((first, now));
    }

    fn cancel(&mut self, params: &Value) {
        let id = params.get("id").cloned().unwrap_or_default();
        let Ok(id) = read::<RequestId>(id) else {
            return;
        };
        let count = self.waiting.len();
        self.waiting.retain(|request| request.id != id);
        if self.waiting.len() < count {
            refuse(id, ErrorCode::RequestCanceled, "canceled");
        }
    }
}

fn capabilities() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Incremental),
        save: Some(Save::Bool(true)),
        ..TextDocumentSyncOptions::default()
    };
    let actions = CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::QuickFix, FIX]),
        ..CodeActionOptions::default()
    };
    let folders = WorkspaceFoldersServerCapabilities {
        supported: Some(true),
        change_notifications: Some(true.into()),
    };
    ServerCapabilities {
        text_document_sync: Some(sync.into()),
        code_action_provider: Some(actions.into()),
        hover_provider: Some(true.into()),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(folders),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// Asks the client to tell of files that others write.
fn watch_files() {
    let patterns = ["**/*.{yaml,yml,json}", "**/Kustomization"];
    let watchers = patterns.map(|pattern| json!({"globPattern": pattern}));
    let registration = json!({
        "id": "files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": {"watchers": watchers},
    });
    request(
        "watch-files",
        "client/registerCapability",
        json!({"registrations": [registration]}),
    );
}
