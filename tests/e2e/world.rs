//! A story's own namespace, and the actions and checks in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::api::{self, list, text};
use crate::bed::{ADMIN, Bed};
use crate::command::{Ran, Run};
use crate::folder::Folder;
use crate::nodes::Pods;
use crate::record::Recording;

pub struct World<'a> {
    pub bed: &'a Bed,
    pub namespace: String,
}

impl<'a> World<'a> {
    /// A guarded namespace. Names are unique among the stories.
    pub fn new(bed: &'a Bed, namespace: &str) -> Self {
        bed.guard().ensure();
        Self::labelled(bed, namespace, &[])
    }

    /// A namespace for a story that has installed rollout-guard in its own way.
    pub fn unsettled(bed: &'a Bed, namespace: &str) -> Self {
        Self::labelled(bed, namespace, &[])
    }

    /// A namespace that rollout-guard does not review, for comparison.
    pub fn without_guard(bed: &'a Bed, namespace: &str) -> Self {
        Self::labelled(bed, namespace, &["rollout-guard.io/enforce=off"])
    }

    fn labelled(bed: &'a Bed, namespace: &str, labels: &[&str]) -> Self {
        let world = Self {
            bed,
            namespace: namespace.to_owned(),
        };
        world.kubectl(&format!("create namespace {namespace}")).ok();
        for label in labels {
            world
                .kubectl(&format!("label namespace {namespace} {label}"))
                .ok();
        }
        world
    }

    /// `kubectl` as the cluster's administrator, in this namespace.
    pub fn kubectl(&self, words: &str) -> Run {
        self.as_user(ADMIN, "kubectl", words)
    }

    /// `kubectl argo rollouts`.
    pub fn argo(&self, words: &str) -> Run {
        self.kubectl(&format!("argo rollouts {words}"))
    }

    /// Helm 4.
    pub fn helm(&self, words: &str) -> Run {
        self.as_user(ADMIN, "helm", words)
    }

    pub fn helm3(&self, words: &str) -> Run {
        self.as_user(ADMIN, "helm3", words)
    }

    /// Flux's library, as kustomize-controller uses it for a Kustomization of this name.
    pub fn flux(&self, name: &str) -> Run {
        self.as_user(ADMIN, "flux-apply", &format!("{name} {}", self.namespace))
    }

    /// Any tool as any user. The user has all rights, but admission sees the name.
    pub fn as_user(&self, user: &str, tool: &str, words: &str) -> Run {
        Run::new(&self.bed.layout, tool, user, &self.namespace, words)
    }

    /// A copy of a folder of the checkout whose objects are in this namespace. The story may change its files.
    pub fn folder(&self, from: &str) -> Folder<'_> {
        Folder::copy(self, from)
    }

    /// The path of such a copy.
    pub fn copy_of(&self, from: &str) -> PathBuf {
        self.folder(from).path("")
    }

    /// `kubectl apply -f` of a copy of a folder, or of one file in it: `examples/subset-level/rollout.yaml`.
    pub fn apply(&self, path: &str) -> Ran {
        let folder = path.rsplit_once('/').filter(|(_, file)| file.contains('.'));
        let (folder, file) = folder.unwrap_or((path, ""));
        self.folder(folder).apply_file(file).ok()
    }

    /// The stored object; `None` if it does not exist.
    pub fn find(&self, kind: &str, name: &str) -> Option<Value> {
        let api = api::namespaced(&self.bed.client, kind, &self.namespace);
        self.bed
            .block_on(api::find(api, name))
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    }

    /// The stored object.
    pub fn read(&self, kind: &str, name: &str) -> Value {
        self.find(kind, name)
            .unwrap_or_else(|| panic!("{kind} {name} does not exist"))
    }

    /// Weights of a VirtualService's http route in the order of its destinations: subset (or host) and weight.
    pub fn weights(&self, name: &str, route: &str) -> Vec<(String, u64)> {
        weights(&self.read("VirtualService", name), route)
    }

    /// Each subset's `rollouts-pod-template-hash`; empty if there is none.
    pub fn hashes(&self, name: &str) -> BTreeMap<String, String> {
        hashes(&self.read("DestinationRule", name))
    }

    /// Waits until the check succeeds. The story fails with the last result.
    pub fn until(
        &self,
        kind: &str,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let title = format!("{kind} {name}: {what}");
        self.bed
            .wait(&title, DEADLINE, || match self.find(kind, name) {
                Some(object) if holds(&object) => Ok(object),
                Some(object) => Err(format!("{:#}", json!([object["spec"], object["status"]]))),
                None => Err("it does not exist".into()),
            })
    }

    /// Waits for the phase `Healthy`, `Paused`, `Degraded` or `Progressing` of the latest generation.
    pub fn until_phase(&self, rollout: &str, phase: &str) -> Value {
        self.until("Rollout", rollout, phase, |object| {
            let generation = object["metadata"]["generation"].to_string();
            text(object, "/status/phase") == phase
                && text(object, "/status/observedGeneration") == generation
        })
    }

    /// Waits until the Rollout is at this step, counted from 0.
    pub fn until_step(&self, rollout: &str, step: u64) -> Value {
        self.until("Rollout", rollout, &format!("step {step}"), |object| {
            object
                .pointer("/status/currentStepIndex")
                .and_then(Value::as_u64)
                == Some(step)
        })
    }

    /// Waits for the weights of a route, in the order of its destinations.
    pub fn until_weights(&self, name: &str, route: &str, expected: &[u64]) -> Value {
        self.until(
            "VirtualService",
            name,
            &format!("weights {expected:?}"),
            |object| {
                let found = weights(object, route).into_iter().map(|(_, weight)| weight);
                found.eq(expected.iter().copied())
            },
        )
    }

    /// Records every revision of these kinds that is stored in this namespace from now on.
    pub fn record(&self, kinds: &[&str]) -> Recording {
        Recording::start(self.bed, &self.namespace, kinds)
    }

    pub fn set_pods(&self, pods: Pods) {
        self.bed.nodes.set(&self.namespace, pods);
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The logs show what a failed story leaves behind. Its objects would only slow down the others.
        let api = api::cluster_wide(&self.bed.client, "Namespace");
        self.bed
            .block_on(api.delete(&self.namespace, &DeleteParams::default()))
            .ok();
    }
}

/// Weights of a stored VirtualService's http route: subset (or host) and weight.
pub fn weights(virtual_service: &Value, route: &str) -> Vec<(String, u64)> {
    let routes = list(virtual_service, "/spec/http");
    let found = routes.iter().find(|found| text(found, "/name") == route);
    let destinations = found.map(|route| list(route, "/route")).unwrap_or_default();
    let of = |destination: &Value| {
        let subset = text(destination, "/destination/subset");
        let host = text(destination, "/destination/host");
        let name = if subset.is_empty() { host } else { subset };
        (name.to_owned(), destination["weight"].as_u64().unwrap_or(0))
    };
    destinations.iter().map(of).collect()
}

/// Each subset's hash in a stored DestinationRule.
pub fn hashes(destination_rule: &Value) -> BTreeMap<String, String> {
    let subsets = list(destination_rule, "/spec/subsets").iter();
    let of = |subset: &Value| {
        let hash = text(subset, "/labels/rollouts-pod-template-hash");
        (text(subset, "/name").to_owned(), hash.to_owned())
    };
    subsets.map(of).collect()
}

/// The timeout of one wait.
pub const DEADLINE: Duration = Duration::from_secs(30);
