//! The guard as an operator has it: the chart, installed by the real Helm; its Pods are run by `kubelet`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use crate::api::{self, list, text};
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::{Ran, Run};
use crate::kubelet;

/// The release that guards the bed. What is installed is one for all stories: change it only in stories that run alone.
#[derive(Default)]
pub struct Guard {
    /// The values it was installed with; none while it is not installed.
    values: Mutex<Option<Vec<String>>>,
}

impl Guard {
    /// Installs it with `profile=guard`, unless it is there with just that.
    pub fn ensure(&self, bed: &Bed) {
        self.install(bed, &["profile=guard"]);
    }

    /// Installs it, or upgrades it to exactly these values, and waits until it guards.
    pub fn install(&self, bed: &Bed, values: &[&str]) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let mut installed = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if installed.as_ref() != Some(&values) {
            *installed = None;
            helm(bed, &values).ok();
            wait_until_trusted(bed);
            *installed = Some(values);
        }
    }

    pub fn uninstall(&self, bed: &Bed) -> Ran {
        *self.values.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Run::new(
            &bed.layout,
            "helm",
            ADMIN,
            NAMESPACE,
            "uninstall rollout-guard --wait --timeout=60s",
        )
        .ok()
    }

    /// `kubectl` in its namespace.
    pub fn kubectl(&self, bed: &Bed, words: &str) -> Run {
        Run::kubectl(&bed.layout, ADMIN, NAMESPACE, words)
    }

    /// Its Pods that are not on their way out.
    pub fn pods(&self, bed: &Bed) -> Vec<Value> {
        let api = api::namespaced(&bed.client, "Pod", NAMESPACE);
        let pods = bed
            .block_on(api.list(&ListParams::default()))
            .expect("Pods can be listed");
        let there = pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        there
            .filter(|pod| pod.labels().contains_key("pod-template-hash"))
            .map(api::json)
            .collect()
    }

    /// Their processes, to be killed or paused.
    pub fn processes(&self, bed: &Bed) -> Vec<Arc<Process>> {
        let pods = self.pods(bed);
        let process = |pod: &Value| bed.kubelet.process(text(pod, "/metadata/name"));
        pods.iter().filter_map(process).collect()
    }

    /// What every Pod's `/metrics` says, by the Pod's name.
    pub fn metrics(&self, bed: &Bed) -> Vec<(String, String)> {
        let pods = self.pods(bed);
        let of = |pod: &Value| {
            let address = format!("{}:8080", text(pod, "/status/podIP"));
            let answer = bed.block_on(kubelet::get(&address, "/metrics"));
            (
                text(pod, "/metadata/name").to_owned(),
                answer.unwrap_or_default(),
            )
        };
        pods.iter().map(of).collect()
    }

    /// Waits until this many Pods are ready.
    pub fn until_ready(&self, bed: &Bed, count: usize) {
        poll(
            &format!("{count} ready Pods of the guard"),
            Duration::from_secs(60),
            &mut || {
                let pods = self.pods(bed);
                let ready = pods.iter().filter(|pod| {
                    let conditions = list(pod, "/status/conditions").iter();
                    conditions
                        .clone()
                        .any(|c| c["type"] == "Ready" && c["status"] == "True")
                });
                let ready = ready.count();
                if ready == count {
                    Ok(())
                } else {
                    Err(format!("{ready} of {}", pods.len()))
                }
            },
        );
    }
}

fn helm(bed: &Bed, values: &[String]) -> Run {
    let words = "upgrade --install rollout-guard charts/rollout-guard --create-namespace --reset-values \
                 --set image.repository=registry.example/rollout-guard --wait --timeout=90s";
    let run = Run::new(&bed.layout, "helm", ADMIN, NAMESPACE, words);
    values
        .iter()
        .fold(run, |run, value| run.arg("--set").arg(value))
}

/// Until a CA stands in both webhook configurations, the API server cannot call it.
fn wait_until_trusted(bed: &Bed) {
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let api = api::cluster_wide(&bed.client, kind);
        poll(
            &format!("a CA in the {kind}"),
            Duration::from_secs(30),
            &mut || {
                let found = bed
                    .block_on(api::find(api.clone(), NAME))
                    .map_err(|error| error.to_string())?;
                let found = found.ok_or("it is not there")?;
                let mut webhooks = list(&found, "/webhooks").iter();
                if webhooks.all(|webhook| !text(webhook, "/clientConfig/caBundle").is_empty()) {
                    Ok(())
                } else {
                    Err("a webhook without caBundle".to_owned())
                }
            },
        );
    }
}

/// Release, and all that carries its name.
pub const NAME: &str = "rollout-guard";
pub const NAMESPACE: &str = "rollout-guard";
