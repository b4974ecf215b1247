//! Runs the guard's Pods as processes, like a kubelet: with their own network namespace and root folder, the
//! arguments, environment, user, ServiceAccount token and volumes of the stored Pod, its probes and its grace
//! period. Pods of other images belong to `nodes` and do not run.
//!
//! Unlike a kubelet, it probes a Pod that is not ready every 200 ms, updates volumes every second, restarts an ended
//! container after half a second, and sets no CPU or memory limits.

mod container;
mod life;
mod logs;
mod probe;
mod sandbox;
mod status;
mod volumes;

pub use probe::get;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::bed::{Layout, Process};
use crate::network::HOST;

pub struct Kubelet {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

/// What the tasks of the Pods need.
struct Shared {
    client: Client,
    /// The guard's binary: by default that of the image, without the commands for people.
    binary: PathBuf,
    /// Root folders and volumes.
    state: PathBuf,
    logs: PathBuf,
    addresses: AtomicU32,
    pods: Mutex<HashMap<String, Known>>,
}

/// A Pod that runs here.
struct Known {
    latest: tokio::sync::watch::Sender<Pod>,
    process: Option<Arc<Process>>,
}

impl Kubelet {
    pub fn start(runtime: &Runtime, client: &Client, layout: &Layout) -> Self {
        let binary = std::env::var_os("ROLLOUT_GUARD_BIN");
        let built = PathBuf::from(env!("CARGO_BIN_EXE_rollout-guard"));
        let shared = Arc::new(Shared {
            client: client.clone(),
            binary: binary.map_or(built, PathBuf::from),
            state: layout.state.join("pods"),
            logs: layout.logs.clone(),
            addresses: AtomicU32::new(FIRST_ADDRESS),
            pods: Mutex::default(),
        });
        runtime.block_on(register(client));
        let logs = runtime.block_on(logs::serve(layout));
        let tasks = [runtime.spawn(run(Arc::clone(&shared))), runtime.spawn(logs)];
        Self { shared, tasks }
    }

    /// The guard's binary.
    pub fn binary(&self) -> &Path {
        &self.shared.binary
    }

    /// The folder of a volume, by the Pod's uid.
    pub fn volume(&self, uid: &str, name: &str) -> PathBuf {
        self.shared.state.join(uid).join("volumes").join(name)
    }

    /// The process of a Pod, to kill or pause. It stays the same when the kubelet restarts it.
    pub fn process(&self, pod: &str) -> Option<Arc<Process>> {
        let pods = self
            .shared
            .pods
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = pods
            .values()
            .find(|known| known.latest.borrow().name_any() == pod)?;
        known.process.clone()
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Whether a Pod runs here.
pub fn runs(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers
        .filter_map(|container| container.image.as_deref())
        .any(|image| {
            let name = image.rsplit('/').next().unwrap_or_default();
            name.split([':', '@']).next() == Some(IMAGE)
        })
}

/// The Node: EndpointSlices leave out Pods of unknown Nodes, and the API server asks the Node for logs.
async fn register(client: &Client) {
    let nodes: Api<Node> = Api::all(client.clone());
    let node = json!({"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}});
    let node = serde_json::from_value(node).expect("a Node");
    nodes
        .create(&PostParams::default(), &node)
        .await
        .expect("a Node can be created");
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": logs::PORT}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    let parameters = PatchParams::default();
    let written = nodes
        .patch_status(NODE, &parameters, &Patch::Merge(status))
        .await;
    written.expect("a Node's status can be written");
}

async fn run(shared: Arc<Shared>) {
    let all: Api<Pod> = Api::all(shared.client.clone());
    let events = watcher(all, watcher::Config::default()).default_backoff();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) if runs(&pod) => shared.meet(pod),
            Ok(Event::Delete(pod)) if runs(&pod) => shared.lose(pod),
            // Other events: other Pods, and a watch that starts again.
            _ => {}
        }
    }
}

impl Shared {
    /// Starts the task of a new Pod, or sends it the changed Pod.
    fn meet(self: &Arc<Self>, pod: Pod) {
        let uid = pod.uid().unwrap_or_default();
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pods.get(&uid) {
            known.latest.send_replace(pod);
        } else if !status::has_ended(&pod) && pod.metadata.deletion_timestamp.is_none() {
            let (latest, changes) = tokio::sync::watch::channel(pod.clone());
            pods.insert(
                uid,
                Known {
                    latest,
                    process: None,
                },
            );
            let shared = Arc::clone(self);
            tokio::spawn(async move { life::keep(shared, pod, changes).await });
        }
    }

    /// A Pod that was deleted without a grace period, by force.
    fn lose(&self, mut pod: Pod) {
        pod.metadata
            .deletion_timestamp
            .get_or_insert_with(|| Time(Timestamp::now()));
        let pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pods.get(&pod.uid().unwrap_or_default()) {
            known.latest.send_replace(pod);
        }
    }

    fn set_process(&self, uid: &str, process: &Arc<Process>) {
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pods.get_mut(uid) {
            known.process = Some(Arc::clone(process));
        }
    }

    fn forget(&self, uid: &str) {
        self.pods
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
    }

    fn next_address(&self) -> String {
        let number = self.addresses.fetch_add(1, Ordering::Relaxed);
        format!("10.244.{}.{}", number / 250, number % 250 + 2)
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default())
    }
}

/// The last part of the image's name.
const IMAGE: &str = "rollout-guard";
const NODE: &str = "bed";
const NODE_ADDRESS: &str = HOST;
const FIRST_ADDRESS: u32 = 1;
