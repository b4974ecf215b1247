//! A rule's fixture: manifests, perhaps a write over them, and what the rule says.
//!
//! ```yaml
//! # what the fixture shows
//! {apiVersion, kind, metadata, spec}    # the cluster, any number of documents
//! ---
//! write: {operation: UPDATE, object: {…}}   # or {operation: DELETE, kind: Service, name: app}; perhaps `user`, `dryRun`
//! settings: {complete: true, argoVersion: "1.9"}
//! ```
//!
//! The verdict stands in the file's name, the findings in the snapshot of the rule, `tests/rules/<rule>.snap`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rollout_guard::cluster::{Cluster, Fact, Facts, Mesh, Overlay, View};
use rollout_guard::decide::{Action, decide};
use rollout_guard::model::{Key, Kind, Object, Operation, Watch, Write};
use rollout_guard::request::{AllowRight, Phase, Request};
use rollout_guard::rules::Rule;
use rollout_guard::settings::{self, Settings};
use rollout_guard::source::{self, Content, Limits, Node};
use rollout_guard::verdict::{Finding, Severity};
use serde_json::{Value, json};

/// One file under `tests/rules`.
pub struct Fixture {
    pub path: PathBuf,
    pub documents: Vec<Node>,
    pub settings: Settings,
    write: Option<Value>,
}

/// What a rule says of a fixture.
pub struct Outcome {
    /// `deny`, `warn` or `allow`.
    pub verdict: &'static str,
    /// Each with its action, or its severity where nothing is written.
    pub findings: Vec<(&'static str, Finding)>,
    /// The kinds that the rule read.
    pub read: BTreeSet<Kind>,
}

impl Fixture {
    pub fn read(path: &Path) -> Fixture {
        let text = std::fs::read_to_string(path).expect("a fixture can be read");
        let nodes = source::parse(&text, Limits::default());
        let nodes = nodes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (documents, extras): (Vec<Node>, Vec<Node>) = nodes
            .into_iter()
            .partition(|node| node.get("apiVersion").is_some());
        let extra = |name: &str| extras.iter().find_map(|node| node.get(name));
        let known = ["write", "settings"];
        for node in &extras {
            let Content::Mapping(entries) = &node.content else {
                panic!("{}: a document is no mapping", path.display());
            };
            let stranger = entries
                .iter()
                .find(|(k, _)| !known.contains(&k.text.as_str()));
            assert!(stranger.is_none(), "{}: {stranger:?}", path.display());
        }
        Fixture {
            path: path.to_owned(),
            settings: settings_of(extra("settings")),
            write: extra("write").map(Node::to_value),
            documents,
        }
    }

    pub fn name(&self) -> Cow<'_, str> {
        let name = self.path.file_name().expect("a file's name");
        name.to_string_lossy()
    }

    pub fn verdict(&self) -> &str {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        let (verdict, _) = stem
            .and_then(|stem| stem.split_once('-'))
            .unwrap_or_else(|| panic!("{}: not <verdict>-<case>.yaml", self.path.display()));
        verdict
    }

    pub fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::new(self.settings.mesh.clone());
        for document in &self.documents {
            let object = Self::watched(&document.to_value());
            cluster
                .apply(object.unwrap_or_else(|| panic!("{}: unknown kind", self.path.display())));
        }
        cluster
    }

    /// The object as a watch of its kind brings it.
    fn watched(value: &Value) -> Option<Object> {
        let object = Object::parse(value, "default")?;
        let object = Object::of_manifest(object.key().kind, value, "default");
        let kind = object.key().kind;
        if kind.watch() == Watch::Metadata {
            let metadata = json!({"metadata": value["metadata"]});
            return Some(Object::parse_as(kind, &metadata, "default"));
        }
        Some(object)
    }

    pub fn judge(&self, rule: &Rule) -> Outcome {
        let cluster = self.cluster();
        match &self.write {
            Some(write) => self.judge_write(rule, &cluster, write),
            None => self.judge_standing(rule, &cluster),
        }
    }

    /// The write over the cluster.
    pub fn request(&self) -> Request {
        let write = self.write.as_ref();
        request(write.expect("the fixture has a `write`"), self)
    }

    fn judge_standing(&self, rule: &Rule, cluster: &Cluster) -> Outcome {
        let facts = Facts::default();
        let view = View::of(cluster).noting(&facts);
        let mut keys: Vec<&Key> = cluster.keys().collect();
        keys.sort();
        let mut findings = Vec::new();
        for key in keys {
            let object = cluster.get(key).expect("a key of the cluster");
            rule.judge(object, &view, &mut findings);
        }
        for finding in &mut findings {
            if finding.missing && self.settings.mesh.complete {
                finding.severity = Severity::Error;
            }
        }
        let worst = findings.iter().map(|finding| finding.severity).min();
        Outcome {
            verdict: match worst {
                Some(Severity::Error) => "deny",
                Some(Severity::Warning) => "warn",
                None => "allow",
            },
            findings: findings
                .into_iter()
                .map(|finding| (finding.severity.as_str(), finding))
                .collect(),
            read: kinds(facts),
        }
    }

    fn judge_write(&self, rule: &Rule, cluster: &Cluster, write: &Value) -> Outcome {
        let decision = decide(request(write, self), cluster, &self.settings);
        let mut judged = decision.judged;
        judged.retain(|judged| judged.finding.rule == rule.id);
        let denied = judged.iter().any(|judged| judged.action == Action::Deny);
        let findings = judged.into_iter().map(|judged| match judged.action {
            Action::Deny => ("deny", judged.finding),
            Action::Warn => ("warn", judged.finding),
        });
        let findings: Vec<_> = findings.collect();
        Outcome {
            verdict: match (denied, findings.is_empty()) {
                (true, _) => "deny",
                (false, false) => "warn",
                (false, true) => "allow",
            },
            findings,
            read: decision
                .write
                .map(|write| read_of_write(rule, &write, cluster))
                .unwrap_or_default(),
        }
    }

    /// The document of an object, for looking up paths; the write's own object comes first.
    pub fn value_of(&self, key: &Key) -> Option<Value> {
        let written = self
            .write
            .as_ref()
            .and_then(|write| write.get("object"))
            .cloned();
        let stored = self.documents.iter().map(Node::to_value);
        let mut all = written.into_iter().chain(stored);
        all.find(|value| Object::parse(value, "default").is_some_and(|object| object.key() == key))
    }
}

/// The fixture files of one rule or mutation, in order.
pub fn files(root: &str, name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(root).join(name);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The kinds that a rule on writes reads of the cluster before the write.
fn read_of_write(rule: &Rule, write: &Write, cluster: &Cluster) -> BTreeSet<Kind> {
    let facts = Facts::default();
    let old = Overlay::new(&write.key, write.old.as_ref(), cluster.mesh());
    let before = View::of(cluster).noting(&facts).with(&old);
    rule.judge_write(write, &before, &mut Vec::new());
    kinds(facts)
}

fn kinds(facts: Facts) -> BTreeSet<Kind> {
    facts.into_vec().iter().map(Fact::kind).collect()
}

fn settings_of(node: Option<&Node>) -> Settings {
    let Some(node) = node else {
        return Settings::default();
    };
    let mut value = node.to_value();
    let mut flag = |name: &str| value.as_object_mut().and_then(|map| map.remove(name));
    let complete = flag("complete") == Some(json!(true));
    let live = flag("live") == Some(json!(true));
    let text = serde_json::to_string(&value).expect("a value");
    let mut settings = settings::parse(&text).expect("settings");
    settings.mesh = Mesh {
        complete,
        live,
        ..settings.mesh
    };
    settings
}

fn request(write: &Value, fixture: &Fixture) -> Request {
    let object = write.get("object").cloned().unwrap_or_default();
    let text = |name: &str| write.get(name).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        other => panic!("{}: operation `{other}`", fixture.path.display()),
    };
    let key = if let Some(object) = Object::parse(&object, "default") {
        object.key().clone()
    } else {
        let kinds = Kind::ALL.into_iter();
        let kind = kinds.into_iter().find(|kind| kind.as_str() == text("kind"));
        Key::new(kind.expect("a kind"), "default", text("name"))
    };
    let stored = || {
        let documents = fixture.documents.iter().map(Node::to_value);
        let mut stored = documents.filter(|value| {
            Object::parse(value, "default").is_some_and(|object| *object.key() == key)
        });
        stored.next()
    };
    let old_object = match operation {
        Operation::Create => Value::Null,
        _ => stored().unwrap_or_else(|| panic!("{}: no {key}", fixture.path.display())),
    };
    let mut request = Request {
        dry_run: write.get("dryRun") == Some(&json!(true)),
        ..request_of(&key, operation, object, old_object)
    };
    if !text("user").is_empty() {
        text("user").clone_into(&mut request.user);
    }
    request
}

/// A write by nobody in particular.
pub fn request_of(key: &Key, operation: Operation, object: Value, old_object: Value) -> Request {
    Request {
        phase: Phase::Validate,
        uid: "fixture".into(),
        kind: Some(key.kind),
        group: key.kind.group().into(),
        kind_name: key.kind.as_str().into(),
        operation,
        subresource: String::new(),
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
        user: "developer".into(),
        object,
        old_object,
        dry_run: false,
        controller_seen: false,
        allow_right: AllowRight::Unknown,
        trace: false,
    }
}
