//! A scripted editor: it talks with `rollout-guard lsp` over standard input and output.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than any answer takes.
const LONG: Duration = Duration::from_mins(1);

pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// The newest diagnostics of each file.
    pub diagnostics: BTreeMap<String, Vec<Value>>,
    last_id: i64,
}

impl Client {
    /// Started somewhere else than in the workspace.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
            .arg("lsp")
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("standard output");
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            input,
            messages,
            diagnostics: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// With this folder as the workspace.
    pub fn open_workspace(folder: &Path) -> Self {
        let mut client = Self::start(&["--stdio"]);
        let params = json!({
            "processId": null,
            "capabilities": {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}},
            "workspaceFolders": [{"uri": uri(folder), "name": "w"}],
        });
        let result = client.request("initialize", params);
        assert_eq!(result["capabilities"]["hoverProvider"], true);
        client.notify("initialized", json!({}));
        client
    }

    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let response = self.ask(method, params);
        assert!(response.get("error").is_none(), "{response}");
        response["result"].clone()
    }

    /// The whole response.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        message["params"] = params;
        self.send(&message);
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        message["params"] = params;
        self.send(&message);
    }

    pub fn open(&mut self, file: &Path, text: &str) {
        let document = json!({"uri": uri(file), "languageId": "yaml", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Puts another text in the place of the whole.
    pub fn change(&mut self, file: &Path, text: &str) {
        let document = json!({"uri": uri(file), "version": 2});
        let params = json!({"textDocument": document, "contentChanges": [{"text": text}]});
        self.notify("textDocument/didChange", params);
    }

    /// Waits until the codes of the file's diagnostics are these.
    pub fn until(&mut self, file: &Path, codes: &[&str]) {
        self.until_true(file, &|found| self::codes(found) == codes);
    }

    pub fn until_true(&mut self, file: &Path, is_met: &dyn Fn(&[Value]) -> bool) {
        let uri = uri(file);
        loop {
            if self
                .diagnostics
                .get(&uri)
                .is_some_and(|found| is_met(found))
            {
                return;
            }
            self.next();
        }
    }

    pub fn of(&self, file: &Path) -> &[Value] {
        self.diagnostics.get(&uri(file)).map_or(&[], Vec::as_slice)
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("open input");
        input.write_all(bytes).expect("the server reads");
        input.flush().expect("the server reads");
    }

    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    /// The exit code after shutdown and exit.
    pub fn end(mut self) -> Option<i32> {
        let response = self.ask("shutdown", Value::Null);
        assert_eq!(response.get("result"), Some(&Value::Null), "{response}");
        self.notify("exit", Value::Null);
        self.wait().code()
    }

    /// Closes the server's input, and waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.input = None;
        self.child.wait().expect("the server ends")
    }

    pub fn exit_without_shutdown(mut self) -> Option<i32> {
        self.notify("exit", Value::Null);
        self.wait().code()
    }

    fn next(&mut self) -> Value {
        let message = self.messages.recv_timeout(LONG);
        let message =
            message.unwrap_or_else(|_| panic!("no message; known: {:#?}", self.diagnostics));
        if message["method"] == "textDocument/publishDiagnostics" {
            let params = &message["params"];
            let uri = params["uri"].as_str().expect("a URI").to_owned();
            let found = params["diagnostics"].as_array().expect("a list").clone();
            self.diagnostics.insert(uri, found);
        }
        if message["method"] == "client/registerCapability" {
            let id = message["id"].clone();
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": null}));
        }
        message
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => length = line.strip_prefix("Content-Length: ")?.parse().ok()?,
        }
    }
    let mut bytes = vec![0; length];
    output.read_exact(&mut bytes).ok()?;
    Some(serde_json::from_slice(&bytes).expect("JSON"))
}

pub fn codes(found: &[Value]) -> Vec<&str> {
    let codes = found.iter().map(|one| one["code"].as_str().unwrap_or("-"));
    codes.collect()
}

pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The text after the edits of a code action for the file: made as an editor makes them, by UTF-16 columns.
pub fn applied(action: &Value, file: &Path, text: &str) -> String {
    let edits = action["edit"]["changes"][uri(file)]
        .as_array()
        .expect("edits");
    let mut units: Vec<u16> = text.encode_utf16().collect();
    for edit in edits.iter().rev() {
        let at = |end: &str| offset(&units, &edit["range"][end]);
        let range = at("start")..at("end");
        let new = edit["newText"].as_str().expect("a text").encode_utf16();
        units.splice(range, new.collect::<Vec<_>>());
    }
    String::from_utf16(&units).expect("text")
}

fn offset(units: &[u16], position: &Value) -> usize {
    let number = |name: &str| usize::try_from(position[name].as_u64().unwrap()).unwrap();
    let ends = units
        .iter()
        .enumerate()
        .filter(|(_, unit)| **unit == u16::from(b'\n'));
    let mut starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
    starts.nth(number("line")).expect("a line") + number("character")
}
