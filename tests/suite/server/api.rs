//! As much of a Kubernetes API server as watches and live reads need, in memory: what it tells by a watch
//! and what it answers to a GET can be made to differ, as they do for a moment on a real one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Listens on loopback until the test process ends.
pub struct Api {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    folder: TempDir,
}

#[derive(Default)]
struct State {
    /// By plural, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    watches: Vec<(String, Sender<Value>)>,
    /// The groups whose CRDs are installed.
    groups: Vec<&'static str>,
    /// Answered to a GET of one object instead of the object.
    failure: Option<u16>,
    broken_reads: usize,
    /// No read is answered.
    hangs: bool,
    revision: u64,
}

impl Api {
    pub fn start(groups: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            groups: groups.to_vec(),
            revision: 1,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        Self {
            address,
            state,
            folder,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        let file = self.folder.path().join("kubeconfig");
        let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]});
        std::fs::write(&file, text.to_string()).unwrap();
        file
    }

    /// Stores an object, and tells those who watch.
    pub fn apply(&self, object: &Value) {
        let (plural, stored) = self.store(object);
        self.tell(&plural, &json!({"type": "MODIFIED", "object": stored}));
    }

    /// Stores an object of which no watch hears for now.
    pub fn apply_unheard(&self, object: &Value) {
        self.store(object);
    }

    pub fn break_reads(&self, count: usize) {
        self.lock().broken_reads = count;
    }

    pub fn hang_reads(&self, hangs: bool) {
        self.lock().hangs = hangs;
    }

    pub fn fail_reads(&self, status: Option<u16>) {
        self.lock().failure = status;
    }

    /// Installs or removes CRDs; those who watch a removed kind are told so, and cut off.
    pub fn serve_groups(&self, groups: &[&'static str]) {
        let mut state = self.lock();
        state.groups = groups.to_vec();
        state
            .watches
            .retain(|(plural, _)| group_of(plural).is_none());
        if groups.is_empty() {
            state
                .objects
                .retain(|(plural, ..), _| group_of(plural).is_none());
        }
    }

    /// Cuts every watch.
    pub fn cut_watches(&self) {
        self.lock().watches.clear();
    }

    fn store(&self, object: &Value) -> (String, Value) {
        let mut state = self.lock();
        state.revision += 1;
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = state.revision.to_string().into();
        let key = key(&object);
        state.objects.insert(key.clone(), object.clone());
        (key.0, object)
    }

    fn tell(&self, plural: &str, event: &Value) {
        let watches = &mut self.lock().watches;
        watches.retain(|(other, watch)| other != plural || watch.send(event.clone()).is_ok());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn key(object: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let plural = match object["kind"].as_str() {
        Some("ServiceEntry") => "serviceentries".to_owned(),
        _ => format!("{}s", text(&object["kind"]).to_lowercase()),
    };
    let metadata = &object["metadata"];
    (
        plural,
        text(&metadata["namespace"]),
        text(&metadata["name"]),
    )
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    for line in lines.by_ref().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
    }
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if query.contains("watch=true") {
        watch(stream, parts.last().unwrap(), state);
        return;
    }
    let mut state = state.lock().unwrap();
    if state.hangs {
        drop(state);
        std::thread::sleep(Duration::from_mins(1));
        return;
    }
    if let Some(left) = state.broken_reads.checked_sub(1) {
        state.broken_reads = left;
        return;
    }
    let (status, body) = answer(&parts, query, &state);
    drop(state);
    let body = body.to_string();
    let _ = write!(
        &stream,
        "HTTP/1.1 {status} answer\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Tells what changes until it is cut.
fn watch(mut stream: TcpStream, plural: &str, state: &Mutex<State>) {
    let (sender, events) = channel();
    {
        let mut state = state.lock().unwrap();
        if !is_served(plural, &state) {
            let (status, body) = (404, missing());
            let _ = write!(
                stream,
                "HTTP/1.1 {status} answer\r\nconnection: close\r\n\r\n{body}"
            );
            return;
        }
        state.watches.push((plural.to_owned(), sender));
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    while let Ok(event) = events.recv_timeout(Duration::from_mins(1)) {
        if writeln!(stream, "{event}").is_err() {
            return;
        }
    }
}

fn answer(parts: &[&str], query: &str, state: &State) -> (u16, Value) {
    match *parts {
        ["apis"] => (200, groups(state)),
        ["apis", group, version] => resources(group, version, state),
        ["api", "v1", plural] | ["apis", _, _, plural] => list(plural, "", query, state),
        ["api", "v1", "namespaces", name] => one("namespaces", "", name, state),
        ["api", "v1", "namespaces", namespace, plural]
        | ["apis", _, _, "namespaces", namespace, plural] => list(plural, namespace, query, state),
        ["api", "v1", "namespaces", namespace, plural, name]
        | ["apis", _, _, "namespaces", namespace, plural, name] => {
            one(plural, namespace, name, state)
        }
        _ => (404, missing()),
    }
}

fn groups(state: &State) -> Value {
    let groups: Vec<Value> = state
        .groups
        .iter()
        .map(|group| {
            let version = version_of(group);
            let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
            json!({"name": group, "versions": [version], "preferredVersion": version})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn resources(group: &str, version: &str, state: &State) -> (u16, Value) {
    if !state.groups.contains(&group) {
        return (404, missing());
    }
    let kinds = KINDS.iter().filter(|(_, _, of)| *of == group);
    let resources: Vec<Value> = kinds
        .map(|(kind, plural, _)| {
            json!({"name": plural, "singularName": "", "namespaced": true, "kind": kind,
                   "verbs": ["get", "list", "watch"]})
        })
        .collect();
    let answer = json!({"kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": format!("{group}/{version}"), "resources": resources});
    (200, answer)
}

/// A page of the objects; `continue` is how many came before.
fn list(plural: &str, namespace: &str, query: &str, state: &State) -> (u16, Value) {
    if !is_served(plural, state) {
        return (404, missing());
    }
    let here = |key: &(String, String, String)| {
        key.0 == plural && (namespace.is_empty() || key.1 == namespace)
    };
    let items = state.objects.iter().filter(|(key, _)| here(key));
    let number = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pair = pairs.find(|(key, _)| *key == name)?;
        pair.1.parse::<usize>().ok()
    };
    let limit = number("limit").unwrap_or(usize::MAX);
    let before = number("continue").unwrap_or(0);
    let mut rest = items.map(|(_, object)| object).skip(before);
    let items: Vec<&Value> = rest.by_ref().take(limit).collect();
    let mut metadata = json!({"resourceVersion": state.revision.to_string()});
    if rest.next().is_some() {
        metadata["continue"] = (before + limit).to_string().into();
    }
    (
        200,
        json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}),
    )
}

fn one(plural: &str, namespace: &str, name: &str, state: &State) -> (u16, Value) {
    if let Some(status) = state.failure {
        let failure = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "on purpose", "reason": "InternalError", "code": status});
        return (status, failure);
    }
    let key = (plural.to_owned(), namespace.to_owned(), name.to_owned());
    match state.objects.get(&key) {
        Some(object) => (200, object.clone()),
        None => (404, missing()),
    }
}

fn missing() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not found",
           "reason": "NotFound", "code": 404})
}

fn is_served(plural: &str, state: &State) -> bool {
    group_of(plural).is_none_or(|group| state.groups.contains(&group))
}

/// The group of a kind that a CRD makes.
fn group_of(plural: &str) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(_, other, _)| *other == plural);
    kind.map(|(_, _, group)| *group)
}

fn version_of(group: &str) -> &'static str {
    if group == ARGO { "v1alpha1" } else { "v1" }
}

pub const ARGO: &str = "argoproj.io";
pub const ISTIO: &str = "networking.istio.io";

const KINDS: [(&str, &str, &str); 5] = [
    ("Rollout", "rollouts", ARGO),
    ("VirtualService", "virtualservices", ISTIO),
    ("DestinationRule", "destinationrules", ISTIO),
    ("ServiceEntry", "serviceentries", ISTIO),
    ("Gateway", "gateways", ISTIO),
];
