//! The objects that a chart renders to.

use rollout_guard::source::{self, Limits, Node};
use serde_json::Value;

/// All objects of a rendering, including hooks.
pub struct Rendered {
    pub objects: Vec<Value>,
}

impl Rendered {
    pub fn of(text: &str) -> Self {
        let documents = source::parse(text, Limits::default()).expect("YAML");
        let objects = documents.iter().map(Node::to_value);
        let objects = objects.filter(|object| !object.is_null()).collect();
        Self { objects }
    }

    /// The only object of a kind, without hooks.
    pub fn one(&self, kind: &str) -> &Value {
        let mut found = self.all(kind).into_iter().filter(|object| !is_hook(object));
        let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(found.next().is_none(), "several {kind}");
        one
    }

    pub fn named(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.all(kind).into_iter();
        let found = found.find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.objects
            .iter()
            .filter(|object| object["kind"] == kind)
            .collect()
    }

    /// The pod of the Deployment.
    pub fn pod(&self) -> &Value {
        &self.one("Deployment")["spec"]["template"]
    }

    pub fn container(&self) -> &Value {
        &self.pod()["spec"]["containers"][0]
    }

    pub fn arguments(&self) -> Vec<&str> {
        texts(&self.container()["args"])
    }

    /// The files that the pods mount.
    pub fn files(&self) -> &Value {
        let mut maps = self.all("ConfigMap").into_iter().map(|map| &map["data"]);
        let found = maps.find(|files| !files["config.yaml"].is_null());
        found.expect("the ConfigMap of the settings")
    }

    /// The webhooks of both configurations, or of one.
    pub fn webhooks(&self, kind: &str) -> Vec<&Value> {
        list(&self.one(kind)["webhooks"]).iter().collect()
    }
}

pub fn is_hook(object: &Value) -> bool {
    !object["metadata"]["annotations"]["helm.sh/hook"].is_null()
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn texts(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

/// Whether the selector matches an object with these labels.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().expect("a selector");
    !wanted.is_empty() && wanted.iter().all(|(key, value)| &labels[key] == value)
}
