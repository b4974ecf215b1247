//! Writes by people and their tools, answered by the guard.

use rollout_guard::decide::{Decision, decide};
use rollout_guard::managed_fields;
use rollout_guard::model::{Key, Kind, Operation};
use rollout_guard::request::{Phase, Request};
use rollout_guard::settings::Settings;
use serde_json::{Map, Value, json};

use super::cluster::Sim;
use super::setup::{key, stranger};
use crate::fixture::request_of;

/// How an object is written.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// `kubectl apply`: what the file said before and does not say now goes.
    Apply,
    /// `kubectl replace`, or a forced server-side apply.
    Replace,
}

/// An admitted write: the object before, as it was sent, and as it is stored.
pub struct Admitted {
    pub key: Key,
    pub live: Value,
    pub sent: Value,
    pub stored: Value,
    /// It refers to an object that does not exist: a warning, as that may follow.
    pub missing: bool,
    pub warned: Vec<String>,
}

/// The guard's answer.
pub enum Outcome {
    Admitted(Box<Admitted>),
    /// With what the first cause says.
    Denied(String),
    /// Nothing to write.
    Same,
}

impl Sim {
    pub fn write(&mut self, file: &Value, how: How, dry_run: bool) -> Outcome {
        let key = key(file);
        let live = self.world.objects.get(&key).cloned().unwrap_or_default();
        let mut sent = match how {
            How::Apply => merged(&live, self.applied.get(&key), file),
            How::Replace => replaced(&live, file),
        };
        own(&mut sent, &live, "kubectl");
        if sent == live {
            return Outcome::Same;
        }
        let mut decision = self.ask(&key, sent.clone(), live.clone());
        if !self.guarded {
            decision.request.object = sent.clone();
            decision.judged.clear();
        }
        if decision.is_denied() {
            return denied(&decision);
        }
        let warned = decision.judged.iter().map(|judged| &judged.finding);
        let missing = warned.clone().any(|finding| finding.missing);
        let warned = warned
            .map(|finding| format!("{} {}", finding.rule.code, finding.message))
            .collect();
        let mut stored = decision.request.object;
        own(&mut stored, &live, "kubectl");
        if !dry_run {
            self.world.objects.insert(key.clone(), stored.clone());
            if matches!(how, How::Apply) {
                self.applied.insert(key.clone(), file.clone());
            }
        }
        Outcome::Admitted(Box::new(Admitted {
            key,
            live,
            sent,
            stored,
            missing,
            warned,
        }))
    }

    pub fn delete(&mut self, key: &Key) -> Outcome {
        let Some(live) = self.world.objects.get(key).cloned() else {
            return Outcome::Same;
        };
        let decision = self.ask(key, Value::Null, live.clone());
        if decision.is_denied() {
            return denied(&decision);
        }
        self.world.objects.remove(key);
        self.applied.remove(key);
        Outcome::Admitted(Box::new(Admitted {
            key: key.clone(),
            live,
            sent: Value::Null,
            stored: Value::Null,
            missing: false,
            warned: Vec::new(),
        }))
    }

    fn ask(&self, key: &Key, object: Value, live: Value) -> Decision {
        let operation = match (&object, &live) {
            (Value::Null, _) => Operation::Delete,
            (_, Value::Null) => Operation::Create,
            _ => Operation::Update,
        };
        let request = Request {
            phase: Phase::MutateThenValidate,
            ..request_of(key, operation, object, live)
        };
        decide(request, &self.world.cluster(), &Settings::default())
    }

    /// Whether the answer to this write would be another one without the stranger's Rollout.
    pub fn depends_on_stranger(&self, file: &Value, how: How) -> Option<String> {
        let key_of_stranger = Key::new(Kind::Rollout, "other", "app");
        let (mut with, mut without) = (self.clone(), self.clone());
        with.world
            .objects
            .insert(key_of_stranger.clone(), stranger());
        without.world.objects.remove(&key_of_stranger);
        let (one, other) = (with.write(file, how, true), without.write(file, how, true));
        match (one, other) {
            (Outcome::Admitted(one), Outcome::Admitted(other)) if one.stored == other.stored => {
                None
            }
            (Outcome::Denied(_), Outcome::Denied(_)) | (Outcome::Same, Outcome::Same) => None,
            (Outcome::Denied(why), _) => Some(format!("denied for a stranger: {why}")),
            (Outcome::Admitted(one), _) => Some(format!("a stranger changes {}", one.stored)),
            (Outcome::Same, _) => Some("differs".to_owned()),
        }
    }
}

fn denied(decision: &Decision) -> Outcome {
    let first = decision.denials().next();
    Outcome::Denied(first.map_or_else(String::new, |judged| {
        format!("{} {:?}", judged.finding.rule.code, judged.finding.message)
    }))
}

/// A three-way merge: maps key by key, lists as a whole.
fn merged(live: &Value, last: Option<&Value>, file: &Value) -> Value {
    let (Value::Object(live_map), Value::Object(file_map)) = (live, file) else {
        return file.clone();
    };
    let mut result: Map<String, Value> = live_map.clone();
    let last = last.and_then(Value::as_object);
    for name in last.into_iter().flat_map(Map::keys) {
        if !file_map.contains_key(name) {
            result.remove(name);
        }
    }
    for (name, value) in file_map {
        let before = last.and_then(|last| last.get(name));
        let live = live_map.get(name).unwrap_or(&Value::Null);
        result.insert(name.clone(), merged(live, before, value));
    }
    Value::Object(result)
}

fn replaced(live: &Value, file: &Value) -> Value {
    let mut object = file.clone();
    if let Some(status) = live.get("status") {
        object["status"] = status.clone();
    }
    if let Some(fields) = live.pointer("/metadata/managedFields") {
        object["metadata"]["managedFields"] = fields.clone();
    }
    object
}

const LISTS: [(&str, &[&str]); 3] = [
    ("/spec/http", &["f:spec", "f:http"]),
    ("/spec/subsets", &["f:spec", "f:subsets"]),
    ("/spec/selector", &["f:spec", "f:selector"]),
];

/// The API server's managedFields after a write: what the writer changed is his.
pub fn own(object: &mut Value, before: &Value, writer: &str) {
    let mut owners: Map<String, Value> = Map::new();
    for (pointer, path) in LISTS {
        let Some(value) = object.pointer(pointer) else {
            continue;
        };
        let names: Vec<&str> = pointer.split('/').skip(1).collect();
        let mut old = managed_fields::owners(before, &names);
        let owner = match old.next() {
            Some(owner) if before.pointer(pointer) == Some(value) => owner.to_owned(),
            _ => writer.to_owned(),
        };
        let fields = owners.entry(owner).or_insert_with(|| json!({"f:spec": {}}));
        fields[path[0]][path[1]] = json!({});
    }
    let entries = owners.into_iter().map(|(manager, fields)| {
        json!({"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields})
    });
    let entries: Vec<Value> = entries.collect();
    object["metadata"]["managedFields"] = entries.into();
}
