//! The objects with their versions, and the watches that are told of each change.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Fault, kinds};

#[derive(Default)]
pub(super) struct Store {
    objects: BTreeMap<Target, Value>,
    /// Objects whose last change no watch sends.
    unheard: BTreeSet<Target>,
    pub watches: Vec<(Target, UnboundedSender<Value>)>,
    pub writes: Vec<(Method, String, Value)>,
    /// The groups whose CRDs are installed.
    pub groups: Vec<&'static str>,
    pub fault: Fault,
    /// The users who may use the `allow` annotation.
    pub allowing: Vec<String>,
    /// The specs of the SubjectAccessReviews.
    pub questions: Vec<Value>,
    pub slow_reads: usize,
    pub running_reads: usize,
    pub most_running_reads: usize,
    /// What stands at paths that hold no objects, such as `/version`.
    pub texts: BTreeMap<String, String>,
    /// The answer to each dry run; without one it succeeds.
    pub dry_run: Option<(u16, Value)>,
    /// The warning of each answer to a path that contains the text.
    pub warning: Option<(String, String)>,
    revision: u64,
}

/// One object; or all of a kind where the name is empty, in all namespaces where the namespace is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// `/api/v1` or `/apis/GROUP/VERSION`, without the first slash.
    api: String,
    pub plural: String,
    namespace: String,
    pub name: String,
}

impl Target {
    pub fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (api, rest) = match parts[0] {
            "api" => parts.split_at_checked(2)?,
            _ => parts.split_at_checked(3)?,
        };
        let (namespace, plural, name) = match *rest {
            ["namespaces", name] => ("", "namespaces", name),
            ["namespaces", namespace, plural] => (namespace, plural, ""),
            ["namespaces", namespace, plural, name] => (namespace, plural, name),
            [plural] => ("", plural, ""),
            [plural, name] => ("", plural, name),
            _ => return None,
        };
        Some(Self {
            api: api.join("/"),
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    pub fn named(self, name: &str) -> Self {
        let name = name.to_owned();
        Self { name, ..self }
    }

    fn includes(&self, object: &Self) -> bool {
        let all_or = |wanted: &str, one: &str| wanted.is_empty() || wanted == one;
        self.api == object.api
            && self.plural == object.plural
            && all_or(&self.namespace, &object.namespace)
            && all_or(&self.name, &object.name)
    }
}

impl Store {
    pub fn object(&self, target: &Target) -> Option<&Value> {
        self.objects.get(target)
    }

    pub fn put(&mut self, target: &Target, object: Value) -> Value {
        let object = self.put_unheard(target.clone(), object);
        self.unheard.remove(target);
        self.send("MODIFIED", target, &object);
        object
    }

    pub fn put_unheard(&mut self, target: Target, mut object: Value) -> Value {
        self.revision += 1;
        object["metadata"]["name"] = target.name.clone().into();
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        self.unheard.insert(target.clone());
        self.objects.insert(target, object.clone());
        object
    }

    /// The answer to a SubjectAccessReview.
    pub fn access(&mut self, mut review: Value) -> Result<Value, StatusCode> {
        self.questions.push(review["spec"].clone());
        if let Fault::FailQuestions(status) = self.fault {
            return Err(StatusCode::from_u16(status).unwrap());
        }
        let user = review["spec"]["user"].as_str().unwrap();
        let allowed = self.allowing.iter().any(|allowing| allowing == user);
        review["status"] = json!({"allowed": allowed});
        Ok(review)
    }

    pub fn delete(&mut self, target: &Target) {
        if let Some(object) = self.objects.remove(target) {
            self.send("DELETED", target, &object);
        }
    }

    pub fn serve_groups(&mut self, groups: &[&'static str]) {
        self.groups = groups.to_vec();
        let is_built_in = |target: &Target| kinds::group_of(&target.plural).is_none();
        self.watches.retain(|(target, _)| is_built_in(target));
        if groups.is_empty() {
            self.objects.retain(|target, _| is_built_in(target));
        }
    }

    pub fn is_served(&self, plural: &str) -> bool {
        kinds::group_of(plural).is_none_or(|group| self.groups.contains(&group))
    }

    /// A page of the objects; `continue` is how many came before.
    pub fn list(&self, target: &Target, limit: Option<usize>, before: usize) -> Value {
        let limit = limit.unwrap_or(usize::MAX);
        let all = self.objects.iter().filter(|(key, _)| target.includes(key));
        let mut rest = all.map(|(_, object)| object).skip(before);
        let items: Vec<&Value> = rest.by_ref().take(limit).collect();
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if rest.next().is_some() {
            metadata["continue"] = (before + limit).to_string().into();
        }
        json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items})
    }

    /// Sends what has changed after the version that was listed, and every change from now on.
    pub fn watch(&mut self, target: Target, listed: u64) -> UnboundedReceiver<Value> {
        let (sender, events) = unbounded_channel();
        for (key, object) in &self.objects {
            let version = object["metadata"]["resourceVersion"].as_str().unwrap();
            let is_new = version.parse::<u64>().unwrap() > listed && !self.unheard.contains(key);
            if is_new && target.includes(key) {
                let _ = sender.send(json!({"type": "MODIFIED", "object": object}));
            }
        }
        self.watches.push((target, sender));
        events
    }

    fn send(&mut self, change: &str, changed: &Target, object: &Value) {
        let event = json!({"type": change, "object": object});
        self.watches.retain(|(target, watch)| {
            !target.includes(changed) || watch.send(event.clone()).is_ok()
        });
    }

    /// Server-side apply by the only manager of the object. Without a change the version stays.
    pub fn apply(&mut self, target: &Target, body: &Value) -> Result<Value, StatusCode> {
        if self.fault == Fault::RefuseWrites {
            return Err(StatusCode::FORBIDDEN);
        }
        let mut stored = self.objects.get(target).cloned().unwrap_or_default();
        if let Some(metadata) = stored.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        if stored == *body {
            return Ok(stored);
        }
        Ok(self.put(target, body.clone()))
    }

    pub fn write(
        &mut self,
        method: &Method,
        target: Target,
        body: &Value,
    ) -> Result<Value, StatusCode> {
        if method == Method::POST {
            let target = target.named(body["metadata"]["name"].as_str().unwrap());
            return if self.objects.contains_key(&target) {
                Err(StatusCode::CONFLICT)
            } else {
                Ok(self.put(&target, body.clone()))
            };
        }
        let old = self.objects.get(&target).ok_or(StatusCode::NOT_FOUND)?;
        if method == Method::DELETE {
            let old = old.clone();
            self.delete(&target);
            return Ok(old);
        }
        let mut new = old.clone();
        if method == Method::PUT {
            new = body.clone();
        } else if body.is_array() {
            let patch: json_patch::Patch = serde_json::from_value(body.clone()).unwrap();
            let patched = json_patch::patch(&mut new, &patch);
            patched.map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
        } else {
            json_patch::merge(&mut new, body);
        }
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if version(&new) == version(old) {
            Ok(self.put(&target, new))
        } else {
            Err(StatusCode::CONFLICT)
        }
    }
}
