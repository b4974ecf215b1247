//! Steps that most stories share: install a flow, set a new image, wait until the canary is at its first weight.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{list, text};
use crate::folder::Folder;
use crate::record::Stored;
use crate::world::{World, hashes, weights};

/// A folder of manifests and the names in it. Weights are in the order of the file's destinations.
pub struct Flow {
    pub folder: &'static str,
    pub rollout: &'static str,
    pub container: &'static str,
    pub virtual_service: &'static str,
    pub installed: &'static [u64],
    pub first_step: &'static [u64],
}

pub const SUBSET_LEVEL: Flow = Flow {
    folder: "examples/subset-level",
    rollout: "app07",
    container: "app07",
    virtual_service: "virtservice-app07",
    installed: &[0, 100],
    first_step: &[5, 95],
};

pub const HOST_LEVEL: Flow = Flow {
    folder: "examples/host-level",
    rollout: "shop",
    container: "shop",
    virtual_service: "shop",
    installed: &[100, 0],
    first_step: &[95, 5],
};

impl World<'_> {
    /// `kubectl apply` of the whole folder; waits until the first version serves.
    pub fn install(&self, flow: &Flow) -> Folder<'_> {
        let folder = self.folder(flow.folder);
        folder.apply().ok();
        self.until_phase(flow.rollout, "Healthy");
        folder
    }

    /// `kubectl argo rollouts set image`: `v2`.
    pub fn set_image(&self, flow: &Flow, version: &str) {
        let Flow {
            rollout, container, ..
        } = flow;
        self.argo(&format!(
            "set image {rollout} {container}=registry.example/app:{version}"
        ))
        .ok()
        .says(&format!("rollout \"{rollout}\" image updated"));
    }

    /// Waits until the canary of the new image has its first weight and pauses.
    pub fn until_first_step(&self, flow: &Flow) {
        self.until_phase(flow.rollout, "Paused");
        self.until_weights(flow.virtual_service, "primary", flow.first_step);
    }

    /// Installs the flow, with a canary of `v2` at its first weight.
    pub fn start_canary(&self, flow: &Flow) -> Folder<'_> {
        let folder = self.install(flow);
        self.set_image(flow, "v2");
        self.until_first_step(flow);
        folder
    }

    pub fn promote(&self, flow: &Flow) {
        let rollout = flow.rollout;
        self.argo(&format!("promote {rollout}"))
            .ok()
            .says(&format!("rollout '{rollout}' promoted"));
    }

    /// Makes the controller reconcile a Rollout again, and waits until it has.
    pub fn reconcile(&self, rollout: &str) {
        let limit = &self.read("Rollout", rollout)["spec"]["revisionHistoryLimit"];
        let limit = limit.as_u64().unwrap_or(10) + 1;
        self.kubectl(&format!("patch rollout {rollout} --type=merge -p"))
            .arg(format!(r#"{{"spec":{{"revisionHistoryLimit":{limit}}}}}"#))
            .ok();
        self.until("Rollout", rollout, "reconciled again", |object| {
            // The controller writes it as a string.
            let seen = text(object, "/status/observedGeneration").parse().ok();
            seen == object["metadata"]["generation"].as_u64()
        });
    }

    /// Waits until the controller has seen that too few pods are ready.
    pub fn until_unavailable(&self, rollout: &str) {
        self.until("Rollout", rollout, "unavailable", |object| {
            let mut conditions = list(object, "/status/conditions").iter();
            conditions.any(|said| said["type"] == "Available" && said["status"] == "False")
        });
    }

    /// The hash in a Service's selector; empty if there is none.
    pub fn selected(&self, service: &str) -> String {
        selected(&self.read("Service", service)).to_owned()
    }
}

/// The hash in a stored Service's selector.
pub fn selected(service: &Value) -> &str {
    text(service, "/spec/selector/rollouts-pod-template-hash")
}

/// All stored revisions of a VirtualService have these weights in route `primary`.
#[track_caller]
pub fn always_weighed(stored: &Stored, expected: &[u64]) {
    for revision in &stored["VirtualService"] {
        let found = weights(revision, "primary").into_iter();
        let found: Vec<u64> = found.map(|(_, weight)| weight).collect();
        assert_eq!(found, expected, "{revision:#}");
    }
}

/// All stored revisions of a DestinationRule have these hashes.
#[track_caller]
pub fn always_hashed(stored: &Stored, expected: &BTreeMap<String, String>) {
    for revision in &stored["DestinationRule"] {
        assert_eq!(&hashes(revision), expected, "{revision:#}");
    }
}

/// The first stored revision, before the controller repaired it.
#[track_caller]
pub fn first(mut stored: Stored) -> Stored {
    for revisions in stored.values_mut() {
        assert!(!revisions.is_empty(), "nothing was stored");
        revisions.truncate(1);
    }
    stored
}
