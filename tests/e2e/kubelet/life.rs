//! The life of one Pod: bound, set up, started, probed, restarted, ended.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep};

use super::container::command;
use super::probe::Probing;
use super::sandbox::Sandbox;
use super::status::{self, State};
use super::volumes::Volumes;
use super::{NODE, Shared};
use crate::bed::Process;

/// A Pod that has been set up.
struct Running {
    shared: Arc<Shared>,
    pod: Pod,
    sandbox: Sandbox,
    volumes: Volumes,
    process: Arc<Process>,
    restarts: u32,
    ready: Option<bool>,
}

pub async fn keep(shared: Arc<Shared>, pod: Pod, mut changes: Receiver<Pod>) {
    let uid = pod.uid().unwrap_or_default();
    if let Some(running) = set_up(&shared, &pod, &changes).await {
        Box::pin(running.live(&mut changes)).await;
    }
    shared.forget(&uid);
}

/// `None` if the Pod was deleted meanwhile.
async fn set_up(shared: &Arc<Shared>, pod: &Pod, changes: &Receiver<Pod>) -> Option<Running> {
    bind(shared, pod).await;
    let sandbox = Sandbox::new(shared, pod);
    let mut volumes = Volumes::new(shared, pod, &sandbox.root);
    // Waits for a ConfigMap or Secret that does not exist yet.
    while let Err(why) = volumes.update().await {
        eprintln!("e2e: Pod {} waits: {why}", pod.name_any());
        if is_deleted(changes) {
            delete(shared, pod).await;
            return None;
        }
        sleep(Duration::from_secs(1)).await;
    }
    volumes.mount();
    let container = container(pod);
    let command = command(&sandbox, pod, container);
    let log = shared.logs.join(format!("{}.log", pod.name_any()));
    let process = Arc::new(Process::start(&pod.name_any(), command, &log));
    shared.set_process(&pod.uid().unwrap_or_default(), &process);
    let (shared, pod) = (Arc::clone(shared), pod.clone());
    Some(Running {
        shared,
        pod,
        sandbox,
        volumes,
        process,
        restarts: 0,
        ready: None,
    })
}

impl Running {
    async fn live(mut self, changes: &mut Receiver<Pod>) {
        let container = container(&self.pod).clone();
        let address = self.sandbox.address.clone();
        let mut readiness = Probing::new(
            container.readiness_probe.as_ref(),
            &container,
            &address,
            false,
        );
        let mut liveness = Probing::new(
            container.liveness_probe.as_ref(),
            &container,
            &address,
            true,
        );
        let mut look = Instant::now() + VOLUME_PERIOD;
        loop {
            if is_deleted(changes) {
                return self.end().await;
            }
            if !self.process.is_running() {
                if self.restart_policy() != "Always" {
                    return self.finish().await;
                }
                self.start_again().await;
                readiness.reset();
                liveness.reset();
            }
            self.tell(readiness.passes().await).await;
            if !liveness.passes().await {
                self.process.kill();
            }
            if Instant::now() > look {
                look = Instant::now() + VOLUME_PERIOD;
                // A volume that cannot be read now keeps its content.
                self.volumes.update().await.ok();
            }
            sleep(POLL_PERIOD).await;
        }
    }

    async fn tell(&mut self, ready: bool) {
        if self.ready != Some(ready) {
            self.write(&State::Running { ready }).await;
            self.ready = Some(ready);
        }
    }

    async fn start_again(&mut self) {
        let code = self.process.exit_code();
        eprintln!(
            "e2e: Pod {} ended with {code}; it is restarted",
            self.pod.name_any()
        );
        self.tell(false).await;
        sleep(BACKOFF).await;
        self.restarts += 1;
        self.process.start_again();
        self.ready = None;
    }

    /// A Pod that runs once.
    async fn finish(self) {
        self.write(&State::Ended {
            code: self.process.exit_code(),
        })
        .await;
        self.sandbox.remove();
    }

    /// A deleted Pod: preStop, SIGTERM, its grace period, SIGKILL.
    async fn end(self) {
        let spec = self.pod.spec.as_ref();
        let grace = spec
            .and_then(|spec| spec.termination_grace_period_seconds)
            .unwrap_or(30);
        let grace = Duration::from_secs(grace.unsigned_abs());
        let process = Arc::clone(&self.process);
        let first = pre_stop(container(&self.pod));
        sleep(first).await;
        let stop = move || process.stop(grace.saturating_sub(first));
        if !tokio::task::spawn_blocking(stop).await.unwrap_or(false) {
            eprintln!(
                "e2e: Pod {} did not end within its grace period of {grace:?}",
                self.pod.name_any()
            );
        }
        self.process.kill();
        self.sandbox.remove();
        delete(&self.shared, &self.pod).await;
    }

    async fn write(&self, state: &State) {
        let api = self.shared.api(&self.pod);
        status::write(&api, &self.pod, &self.sandbox.address, self.restarts, state).await;
    }

    fn restart_policy(&self) -> &str {
        let spec = self.pod.spec.as_ref();
        spec.and_then(|spec| spec.restart_policy.as_deref())
            .unwrap_or("Always")
    }
}

async fn bind(shared: &Shared, pod: &Pod) {
    let spec = pod.spec.as_ref();
    if spec.is_some_and(|spec| spec.node_name.is_none()) {
        let name = pod.name_any();
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        });
        let api = shared.api(pod);
        let parameters = PostParams::default();
        let bound = api.create_subresource::<Value, Value>("binding", &name, &parameters, &binding);
        bound.await.ok();
    }
}

async fn delete(shared: &Shared, pod: &Pod) {
    let now = DeleteParams::default().grace_period(0);
    for _ in 0..ATTEMPTS {
        match shared.api(pod).delete(&pod.name_any(), &now).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 404 => return,
            Err(_) => sleep(Duration::from_millis(500)).await,
        }
    }
}

fn is_deleted(changes: &Receiver<Pod>) -> bool {
    changes.borrow().metadata.deletion_timestamp.is_some()
}

fn pre_stop(container: &Container) -> Duration {
    let hook = container
        .lifecycle
        .as_ref()
        .and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    let sleep = hook.and_then(|hook| hook.sleep.as_ref());
    Duration::from_secs(sleep.map_or(0, |sleep| sleep.seconds.unsigned_abs()))
}

/// The guard's Pods have one container.
fn container(pod: &Pod) -> &Container {
    let spec = pod.spec.as_ref().expect("a stored Pod has a spec");
    spec.containers
        .first()
        .expect("a stored Pod has a container")
}

const POLL_PERIOD: Duration = Duration::from_millis(50);
const VOLUME_PERIOD: Duration = Duration::from_secs(1);
const BACKOFF: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 40;
