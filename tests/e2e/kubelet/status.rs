//! The status of a Pod that runs here.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::NODE_ADDRESS;

pub enum State {
    Running { ready: bool },
    Ended { code: i32 },
}

/// Whether the Pod has run to completion.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

pub async fn write(api: &Api<Pod>, pod: &Pod, address: &str, restarts: u32, state: &State) {
    let status = json!({"status": status(pod, address, restarts, state)});
    for _ in 0..ATTEMPTS {
        let patch = Patch::Merge(&status);
        match api
            .patch_status(&pod.name_any(), &PatchParams::default(), &patch)
            .await
        {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 404 => return,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(250)).await,
        }
    }
}

fn status(pod: &Pod, address: &str, restarts: u32, state: &State) -> Value {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (phase, ready, running) = match state {
        State::Running { ready } => ("Running", *ready, json!({"running": {"startedAt": now}})),
        State::Ended { code } => {
            let reason = if *code == 0 { "Completed" } else { "Error" };
            let phase = if *code == 0 { "Succeeded" } else { "Failed" };
            (
                phase,
                false,
                json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": now}}),
            )
        }
    };
    let said = |said: bool| if said { "True" } else { "False" };
    let condition = |name: &str, status: bool| json!({"type": name, "status": said(status), "lastTransitionTime": now});
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    json!({
        "phase": phase, "startTime": pod.metadata.creation_timestamp,
        "hostIP": NODE_ADDRESS, "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [
            condition("PodScheduled", true), condition("Initialized", true),
            condition("ContainersReady", ready), condition("Ready", ready),
        ],
        "containerStatuses": [{
            "name": container.map(|container| &container.name),
            "image": container.and_then(|container| container.image.as_ref()), "imageID": "",
            "ready": ready, "started": true, "restartCount": restarts, "state": running,
        }],
    })
}

const ATTEMPTS: u32 = 40;
