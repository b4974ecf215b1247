//! Every remedy that a rule names, carried out write by write: nothing is denied on the way, and nothing is wrong at
//! the end.
//!
//! ```yaml
//! # tests/remedies/<rule>/<case>.yaml: what the remedy is
//! start: host                        # the objects of tests/setups/host
//! ---
//! {apiVersion, kind, …}              # further objects, as they are stored
//! ---
//! denied: {kind, metadata, spec}     # a write that the rule denies; it is not stored
//! ---
//! broken: {kind, metadata, spec}     # a write that the rule denies or warns of; it is stored
//! ---
//! apply: {kind, metadata, spec}      # merged into what is stored, as `kubectl patch --type merge` does
//! ---
//! delete: {kind, metadata}           # `denied-delete` is one that the rule denies
//! ---
//! release: {rollout: shop, weight: 5}  # the controller's part; without a weight the release ends
//! ```

use std::collections::BTreeSet;

use rollout_guard::model::{Key, Kind};
use rollout_guard::rules::CATALOGUE;
use rollout_guard::verdict::Finding;
use serde_json::Value;

use crate::guarded::{Guarded, key_of};
use crate::setups::{documents, setup};
use crate::tidy::{folders, names, read, root};

#[test]
fn every_remedy_leads_to_a_state_without_findings() {
    let mut faults = Vec::new();
    for rule in folders("tests/remedies") {
        for case in cases(&rule) {
            let mut story = Story::new(&rule);
            for document in documents(&read(&case)) {
                story.take(&document);
            }
            story.end();
            faults.extend(story.faults.iter().map(|fault| format!("{case}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_rule_has_a_remedy_or_a_reason() {
    let reasons = documents(&read("tests/remedies/reasons.yaml"));
    let reasons = reasons[0].as_object().expect("a mapping");
    let carried_out = folders("tests/remedies");
    let has_folder = |name: &str| carried_out.iter().any(|folder| folder == name);
    for rule in CATALOGUE {
        let name = rule.id.name;
        let (folder, reason) = (has_folder(name), reasons.contains_key(name));
        assert!(
            folder != reason,
            "{name}: a folder or a reason, one of the two"
        );
    }
    let rules: BTreeSet<&str> = CATALOGUE.iter().map(|rule| rule.id.name).collect();
    let known = |name: &&String| rules.contains(name.as_str());
    assert_eq!(reasons.keys().filter(known).count(), reasons.len());
}

fn cases(rule: &str) -> Vec<String> {
    let folder = format!("tests/remedies/{rule}");
    let mut names = names(&root().join(&folder));
    names.sort();
    names
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

struct Story {
    rule: String,
    stored: Vec<Value>,
    guarded: Option<Guarded>,
    /// Whether the rule has spoken.
    has_spoken: bool,
    faults: Vec<String>,
}

impl Story {
    fn new(rule: &str) -> Self {
        Self {
            rule: rule.to_owned(),
            stored: Vec::new(),
            guarded: None,
            has_spoken: false,
            faults: Vec::new(),
        }
    }

    fn take(&mut self, document: &Value) {
        if document.get("apiVersion").is_some() {
            self.stored.push(document.clone());
            return;
        }
        let (verb, what) = document
            .as_object()
            .and_then(|it| it.iter().next())
            .expect("a step");
        if verb == "start" {
            self.stored
                .extend(setup(what.as_str().expect("a setup")).objects);
            return;
        }
        let mut guarded = self.now();
        match verb.as_str() {
            "apply" => {
                let said = guarded.apply(merged(&guarded, what));
                self.must_pass(&said.denials);
            }
            "delete" => {
                let said = guarded.delete(&key_of(&typed(what)));
                self.must_pass(&said.denials);
            }
            "denied" => {
                let said = guarded.clone().apply(merged(&guarded, what));
                self.must_be_denied(&said.denials);
            }
            "denied-delete" => {
                let said = guarded.clone().delete(&key_of(&typed(what)));
                self.must_be_denied(&said.denials);
            }
            "broken" => {
                let object = merged(&guarded, what);
                let said = guarded.clone().apply(object.clone());
                self.listen(&said.denials);
                self.listen(&said.warnings);
                guarded.force(object);
            }
            "release" => {
                let name = what["rollout"].as_str().expect("a Rollout");
                let key = Key::new(Kind::Rollout, "default", name);
                guarded.release(&key, what["weight"].as_i64());
            }
            other => panic!("no verb `{other}`"),
        }
        self.guarded = Some(guarded);
    }

    /// The cluster so far; at the first step, the start.
    fn now(&mut self) -> Guarded {
        if let Some(guarded) = self.guarded.take() {
            return guarded;
        }
        let guarded = Guarded::of(std::mem::take(&mut self.stored));
        self.listen(&guarded.findings());
        guarded
    }

    fn end(&mut self) {
        let findings = self.guarded.as_ref().expect("a step").findings();
        let left = findings
            .iter()
            .map(|it| format!("at the end {}: {}", it.rule, it.message));
        self.faults.extend(left);
        let is_rule = CATALOGUE.iter().any(|rule| rule.id.name == self.rule);
        if is_rule && !self.has_spoken {
            self.faults.push("the rule never speaks".to_owned());
        }
    }

    fn must_pass(&mut self, denials: &[Finding]) {
        let denied = denials
            .iter()
            .map(|it| format!("denied: {}: {}", it.rule, it.message));
        self.faults.extend(denied);
    }

    fn must_be_denied(&mut self, denials: &[Finding]) {
        self.listen(denials);
        if !denials.iter().any(|it| it.rule.name == self.rule) {
            self.faults.push(format!("not denied by {}", self.rule));
        }
    }

    fn listen(&mut self, findings: &[Finding]) {
        self.has_spoken |= findings.iter().any(|it| it.rule.name == self.rule);
    }
}

/// The patch, merged into what is stored under its name.
fn merged(guarded: &Guarded, patch: &Value) -> Value {
    let patch = typed(patch);
    let mut object = guarded.get(&key_of(&patch)).cloned().unwrap_or_default();
    merge(&mut object, &patch);
    object
}

/// With the `apiVersion` of its kind.
fn typed(object: &Value) -> Value {
    let mut object = object.clone();
    let kind = object["kind"].as_str().unwrap_or_default();
    let version = match kind {
        "Rollout" => "argoproj.io/v1alpha1",
        "VirtualService" | "DestinationRule" | "Gateway" => "networking.istio.io/v1",
        "Deployment" => "apps/v1",
        _ => "v1",
    };
    object["apiVersion"] = version.into();
    object
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(entries) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(serde_json::Map::new());
    }
    for (name, value) in entries {
        if value.is_null() {
            object.as_object_mut().expect("an object").remove(name);
        } else {
            merge(&mut object[name], value);
        }
    }
}
