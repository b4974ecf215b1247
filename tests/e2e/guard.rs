//! rollout-guard as an operator installs it: the chart and the real Helm. `kubelet` runs its Pods.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use crate::api::{self, list, text};
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::{Ran, Run};
use crate::kubelet;

/// The installed release, returned by `bed.guard()`. All stories share it: change it only in stories that run alone.
/// `World::new` restores it.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    pub bed: &'a Bed,
}

/// What was installed last.
#[derive(Default)]
pub struct Installed(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Nothing,
    /// With these values.
    Release(Vec<String>),
    /// The installation with these values failed and would fail again.
    Failed(Vec<String>),
}

impl<'a> Guard<'a> {
    /// Installs it with the default values of the stories, unless it is installed with them.
    pub fn ensure(self) {
        self.install(&["profile=guard"]);
    }

    /// Installs it or upgrades it to exactly these values (`--set`), and waits until it reviews writes.
    pub fn install(self, values: &[&str]) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let mut installed = self.installed();
        match &*installed {
            State::Release(with) if *with == values => return,
            State::Failed(with) if *with == values => {
                panic!("the guard could not be installed earlier")
            }
            _ => *installed = State::Failed(values.clone()),
        }
        let from = Instant::now();
        self.upgrade(&values).ok();
        self.until_trusted();
        self.until_alone();
        eprintln!(
            "e2e: the guard is installed ({:.1} s)",
            from.elapsed().as_secs_f32()
        );
        *installed = State::Release(values);
    }

    fn installed(self) -> MutexGuard<'a, State> {
        let installed = self.bed.installed.0.lock();
        installed.unwrap_or_else(PoisonError::into_inner)
    }

    fn upgrade(self, values: &[String]) -> Run {
        let argo = format!("argoVersion={}", self.bed.layout.argo_version());
        let upgrade = self.helm(UPGRADE).arg("--set").arg(argo);
        values
            .iter()
            .fold(upgrade, |run, value| run.arg("--set").arg(value))
    }

    /// Lets Helm create the ConfigMap again after another manager has written to it: the next upgrade with other
    /// settings would conflict, and `--force-conflicts` takes no field whose value stays.
    pub fn recreate_config_map(self) {
        if let State::Release(values) = &*self.installed() {
            self.kubectl("delete configmap rollout-guard").ok();
            self.upgrade(values).ok();
        }
    }

    pub fn uninstall(self) -> Ran {
        let mut installed = self.installed();
        *installed = State::Nothing;
        self.helm("uninstall rollout-guard --wait --timeout=60s")
            .ok()
    }

    /// Helm 4 in its namespace.
    pub fn helm(self, words: &str) -> Run {
        Run::new(&self.bed.layout, "helm", ADMIN, NAMESPACE, words)
    }

    /// `kubectl` in its namespace.
    pub fn kubectl(self, words: &str) -> Run {
        Run::kubectl(&self.bed.layout, ADMIN, NAMESPACE, words)
    }

    /// Its Pods that are not being deleted.
    pub fn pods(self) -> Vec<Value> {
        let api = api::namespaced(&self.bed.client, "Pod", NAMESPACE);
        let pods = self.bed.block_on(api.list(&ListParams::default()));
        let pods = pods.expect("Pods can be listed").items.into_iter();
        let of_deployment = pods.filter(|pod| {
            pod.metadata.deletion_timestamp.is_none()
                && pod.labels().contains_key("pod-template-hash")
        });
        of_deployment.map(|pod| api::json(&pod)).collect()
    }

    /// The processes of its Pods, to kill or pause.
    pub fn processes(self) -> Vec<Arc<Process>> {
        let pods = self.pods();
        let process = |pod: &Value| self.bed.kubelet.process(text(pod, "/metadata/name"));
        pods.iter().filter_map(process).collect()
    }

    /// The response of each Pod's `/metrics`, with the HTTP head, by the Pod's name.
    pub fn metrics(self) -> Vec<(String, String)> {
        let of = |pod: &Value| {
            let address = format!("{}:8080", text(pod, "/status/podIP"));
            let answer = self.bed.block_on(kubelet::get(&address, "/metrics"));
            (
                text(pod, "/metadata/name").to_owned(),
                answer.unwrap_or_default(),
            )
        };
        self.pods().iter().map(of).collect()
    }

    /// Waits until it has this many Pods and all are ready.
    pub fn until_ready(self, count: usize) {
        poll(
            &format!("{count} ready Pods of the guard"),
            TIMEOUT,
            &mut || {
                let pods = self.pods();
                let ready = pods.iter().filter(|pod| is_ready(pod)).count();
                if ready == count && pods.len() == count {
                    Ok(())
                } else {
                    Err(format!("{ready} of {} are ready", pods.len()))
                }
            },
        );
    }

    /// Waits until its Service leads only to the Pods of the current values. Older Pods answer until they are gone.
    pub fn until_alone(self) {
        poll(
            "the Service to lead only to the new Pods",
            TIMEOUT,
            &mut || {
                let (all, led_to) = (self.addresses(), self.endpoints());
                let here: Vec<String> = self.pods().iter().map(address).collect();
                let here = BTreeSet::from_iter(here);
                if all == here && led_to == here {
                    Ok(())
                } else {
                    Err(format!(
                        "it leads to {led_to:?}; there are {all:?}, of which {here:?} stay"
                    ))
                }
            },
        );
    }

    /// The addresses of all its Pods, also of those that are being deleted.
    fn addresses(self) -> BTreeSet<String> {
        let api = api::namespaced(&self.bed.client, "Pod", NAMESPACE);
        let pods = self.bed.block_on(api.list(&ListParams::default()));
        let pods = pods.expect("Pods can be listed").items.into_iter();
        let of_deployment = pods.filter(|pod| pod.labels().contains_key("pod-template-hash"));
        of_deployment.map(|pod| address(&api::json(&pod))).collect()
    }

    /// The endpoints of its Service.
    fn endpoints(self) -> BTreeSet<String> {
        let api = api::namespaced(&self.bed.client, "EndpointSlice", NAMESPACE);
        let of_service = format!("kubernetes.io/service-name={NAME}");
        let slices = ListParams::default().labels(&of_service);
        let slices = self
            .bed
            .block_on(api.list(&slices))
            .expect("EndpointSlices can be listed");
        let slices: Vec<Value> = slices.iter().map(api::json).collect();
        let endpoints = slices.iter().flat_map(|slice| list(slice, "/endpoints"));
        endpoints
            .map(|endpoint| text(endpoint, "/addresses/0").to_owned())
            .collect()
    }

    /// Runs an action that ends this many containers, and waits until they run again and all Pods are ready.
    pub fn restarted(self, times: u64, end: impl FnOnce(Vec<Arc<Process>>)) {
        let restarts = |pods: &[Value]| -> u64 {
            let count = |pod: &Value| {
                pod.pointer("/status/containerStatuses/0/restartCount")?
                    .as_u64()
            };
            pods.iter().filter_map(count).sum()
        };
        let before = restarts(&self.pods());
        end(self.processes());
        let what = format!("{times} restarts of the guard");
        poll(&what, TIMEOUT, &mut || {
            let pods = self.pods();
            let more = restarts(&pods) - before;
            if more >= times && pods.iter().all(is_ready) {
                Ok(())
            } else {
                Err(format!("{more}"))
            }
        });
    }

    /// Requires that the logs of all its Pods, also of deleted ones, contain no panic.
    pub fn never_panicked(self) {
        let logs = std::fs::read_dir(&self.bed.layout.logs).expect("the log folder");
        for log in logs.flatten() {
            if log.file_name().to_string_lossy().starts_with(NAME) {
                let text = std::fs::read_to_string(log.path()).unwrap_or_default();
                let panic = text.lines().find(|line| line.contains("panicked"));
                assert_eq!(panic, None, "{}", log.path().display());
            }
        }
    }

    /// Waits for a CA in both webhook configurations: without it the API server cannot call the webhook.
    pub fn until_trusted(self) {
        for kind in [
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ] {
            let api = api::cluster_wide(&self.bed.client, kind);
            poll(&format!("a CA in the {kind}"), TIMEOUT, &mut || {
                let found = self.bed.block_on(api::find(api.clone(), NAME));
                let found = found
                    .map_err(|error| error.to_string())?
                    .ok_or("it does not exist")?;
                let mut webhooks = list(&found, "/webhooks").iter();
                let trusted = webhooks.all(|hook| !text(hook, "/clientConfig/caBundle").is_empty());
                trusted
                    .then_some(())
                    .ok_or_else(|| "a webhook without caBundle".to_owned())
            });
        }
    }
}

fn address(pod: &Value) -> String {
    text(pod, "/status/podIP").to_owned()
}

fn is_ready(pod: &Value) -> bool {
    let mut conditions = list(pod, "/status/conditions").iter();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The name of the release and of its objects.
pub const NAME: &str = "rollout-guard";
pub const NAMESPACE: &str = "rollout-guard";
const UPGRADE: &str = "upgrade --install rollout-guard charts/rollout-guard --create-namespace --reset-values \
                       --set image.repository=registry.example/rollout-guard --wait --timeout=45s";
const TIMEOUT: Duration = Duration::from_mins(1);
