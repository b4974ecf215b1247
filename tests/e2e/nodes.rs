//! Replaces nodes: a Pod is Running and Ready as soon as it exists, and a deleted Pod is gone at once. The Pods of a
//! namespace can be made unready, which is how the controller sees an incident.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;

use crate::kubelet;

pub struct Nodes {
    client: Client,
    runtime: Handle,
    health: Health,
    task: JoinHandle<()>,
}

/// The state of a namespace's Pods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pods {
    /// Ready as soon as they exist. This is the default.
    Ready,
    /// Ready Pods stay ready, new ones do not become ready: a canary that does not start.
    NewUnready,
    /// No Pod is ready: an incident.
    Unready,
}

type Health = Arc<Mutex<HashMap<String, Pods>>>;

impl Nodes {
    pub fn start(runtime: &Runtime, client: &Client) -> Self {
        let health = Health::default();
        let task = runtime.spawn(run(client.clone(), Arc::clone(&health)));
        Self {
            client: client.clone(),
            runtime: runtime.handle().clone(),
            health,
            task,
        }
    }

    /// Sets the state from now on; `Ready` and `Unready` also change existing Pods.
    pub fn set(&self, namespace: &str, pods: Pods) {
        lock(&self.health, |health| {
            health.insert(namespace.to_owned(), pods)
        });
        if pods != Pods::NewUnready {
            self.runtime
                .block_on(self.mark_all(namespace, pods == Pods::Ready));
        }
    }

    async fn mark_all(&self, namespace: &str, ready: bool) {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let pods = api
            .list(&ListParams::default())
            .await
            .expect("Pods can be listed");
        for pod in pods {
            mark(&api, &pod, ready).await;
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(client: Client, health: Health) {
    let all: Api<Pod> = Api::all(client.clone());
    let pods = watcher(all, watcher::Config::default())
        .default_backoff()
        .applied_objects();
    let mut pods = std::pin::pin!(pods);
    while let Some(pod) = pods.next().await {
        // A story has stopped the API server: the watch starts again.
        let Ok(pod) = pod else { continue };
        if kubelet::runs(&pod) {
            continue;
        }
        let namespace = pod.namespace().unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        let state = lock(&health, |health| health.get(&namespace).copied()).unwrap_or(Pods::Ready);
        tokio::spawn(async move { attend(&api, &pod, state).await });
    }
}

async fn attend(api: &Api<Pod>, pod: &Pod, state: Pods) {
    if pod.metadata.deletion_timestamp.is_some() {
        let now = DeleteParams::default().grace_period(0);
        api.delete(&pod.name_any(), &now).await.ok();
    } else if phase(pod) != "Running" {
        mark(api, pod, state == Pods::Ready).await;
    }
}

async fn mark(api: &Api<Pod>, pod: &Pod, ready: bool) {
    let status = Patch::Merge(json!({"status": status(pod, ready)}));
    for _ in 0..ATTEMPTS {
        let marked = api
            .patch_status(&pod.name_any(), &PatchParams::default(), &status)
            .await;
        match marked {
            // The API server is busy or down for a moment.
            Err(error) if !matches!(&error, kube::Error::Api(status) if status.code == 404) => {
                tokio::time::sleep(PAUSE).await;
            }
            _ => return,
        }
    }
}

fn status(pod: &Pod, ready: bool) -> Value {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let said = if ready { "True" } else { "False" };
    let condition =
        |name: &str, said: &str| json!({"type": name, "status": said, "lastTransitionTime": now});
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let containers = containers.map(|container| {
        json!({
            "name": container.name, "image": container.image, "imageID": "", "restartCount": 0,
            "ready": ready, "started": true, "state": {"running": {"startedAt": now}},
        })
    });
    json!({
        "phase": "Running",
        "startTime": now,
        "conditions": [
            condition("Initialized", "True"),
            condition("ContainersReady", said),
            condition("Ready", said),
            condition("PodScheduled", "True"),
        ],
        "containerStatuses": containers.collect::<Vec<_>>(),
    })
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

fn lock<T>(health: &Health, with: impl FnOnce(&mut HashMap<String, Pods>) -> T) -> T {
    with(&mut health.lock().unwrap_or_else(PoisonError::into_inner))
}

const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(300);
