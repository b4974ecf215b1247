//! The writes of a load, and their expected answers.

use std::sync::PoisonError;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Load, Outcome, TIMEOUT};
use crate::api;
use crate::reapply::Way;

impl Load<'_> {
    pub(super) fn again(&self, number: usize) -> Outcome {
        let manifest = &self.manifests[number % self.manifests.len()];
        let way = Way::ALL[number / self.manifests.len() % Way::ALL.len()];
        let written = self.block_on(way.send_to(self.world, manifest, true));
        outcome(written, |object| {
            let expected = self.expected.read().unwrap_or_else(PoisonError::into_inner);
            expected.matches(object)
        })
    }

    /// A DestinationRule and its VirtualService that belong to no flow: a subset is added, the route moves to it,
    /// the old subset is removed. A guard with an outdated cache would deny the second and the third step.
    pub(super) fn good(&self, pair: &str, step: usize) -> Outcome {
        let (name, round) = (format!("good-{pair}"), step / 3);
        let (last, next) = (format!("v{round}"), format!("v{}", round + 1));
        let manifest = match step % 3 {
            0 => destination_rule(&name, &[&last, &next]),
            1 => virtual_service(&name, &next),
            _ => destination_rule(&name, &[&next]),
        };
        outcome(self.apply(&manifest, false), |_| true)
    }

    pub(super) fn bad(&self, number: usize) -> Outcome {
        let of = |kind: &str| {
            let mut all = self.manifests.iter();
            let found = all.find(|m| m["kind"] == kind && m["metadata"]["name"] == "app07");
            found.cloned().expect("the subset-level flow has one")
        };
        let written = match number % 4 {
            0 => {
                let mut manifest = of("VirtualService");
                manifest["spec"]["http"][0]["route"][0]["destination"]["subset"] = json!("v9");
                self.apply(&manifest, true)
            }
            1 => {
                let mut manifest = of("DestinationRule");
                manifest["spec"]["subsets"][0]["name"] = json!("v9");
                self.apply(&manifest, true)
            }
            2 => self.delete("VirtualService", "app07"),
            _ => self.retarget("app07"),
        };
        match outcome(written, |_| false) {
            Outcome::WronglyDenied(_) => Outcome::Correct,
            other => other,
        }
    }

    fn apply(&self, manifest: &Value, dry_run: bool) -> kube::Result<Value> {
        self.block_on(Way::ServerSide.send_to(self.world, manifest, dry_run))
    }

    fn delete(&self, kind: &str, name: &str) -> kube::Result<Value> {
        let api = api::namespaced(&self.world.bed.client, kind, &self.world.namespace);
        let dry = DeleteParams {
            dry_run: true,
            ..DeleteParams::default()
        };
        self.block_on(async { api.delete(name, &dry).await.map(|_| Value::Null) })
    }

    fn retarget(&self, name: &str) -> kube::Result<Value> {
        let api = api::namespaced(&self.world.bed.client, "Rollout", &self.world.namespace);
        let rule = json!({"canarySubsetName": "v9"});
        let routing = json!({"istio": {"destinationRule": rule}});
        let patch = json!({"spec": {"strategy": {"canary": {"trafficRouting": routing}}}});
        let dry = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        self.block_on(async {
            let patched = api.patch(name, &dry, &Patch::Merge(patch)).await;
            patched.map(|object| api::json(&object))
        })
    }

    fn block_on(&self, write: impl Future<Output = kube::Result<Value>>) -> kube::Result<Value> {
        let answer = self
            .world
            .bed
            .block_on(async { timeout(TIMEOUT, write).await });
        answer.unwrap_or_else(|late| Err(kube::Error::Service(late.into())))
    }
}

fn outcome(written: kube::Result<Value>, right: impl Fn(&Value) -> bool) -> Outcome {
    match written {
        Ok(object) if right(&object) => Outcome::Correct,
        Ok(object) => Outcome::Unguarded(object["spec"].to_string()),
        Err(error) => {
            let told = error.to_string();
            if told.contains("[rollout-guard RG") || told.contains("denied the request") {
                Outcome::WronglyDenied(told)
            } else {
                Outcome::Failed(told)
            }
        }
    }
}

fn destination_rule(name: &str, subsets: &[&str]) -> Value {
    let subset = |name: &&str| json!({"name": name, "labels": {"version": name}});
    let subsets: Vec<Value> = subsets.iter().map(subset).collect();
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name},
        "spec": {"host": name, "subsets": subsets},
    })
}

fn virtual_service(name: &str, subset: &str) -> Value {
    let destination = json!({"host": name, "subset": subset});
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name},
        "spec": {"hosts": [name], "http": [{"route": [{"destination": destination}]}]},
    })
}
