//! The guard as an operator has it: the chart, installed by the real Helm; its Pods are run by `kubelet`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;

use crate::api::{self, list, text};
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::{Ran, Run};
use crate::kubelet;

/// The release that guards the bed, by `bed.guard()`. There is one for all stories: change it only in stories that
/// run alone; `World::new` puts it back as it should be.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    pub bed: &'a Bed,
}

/// What Helm was last told.
#[derive(Default)]
pub struct Installed(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Nothing,
    /// With these values.
    Release(Vec<String>),
    /// It did not come up with these values, and would not the next time.
    Failed(Vec<String>),
}

impl Guard<'_> {
    /// Installs it as the stories expect it, unless it is there just so.
    pub fn ensure(self) {
        self.install(&["profile=guard"]);
    }

    /// Installs it, or upgrades it to exactly these values (`--set`), and waits until it guards.
    pub fn install(self, values: &[&str]) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let mut installed = self
            .bed
            .installed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*installed {
            State::Release(with) if *with == values => return,
            State::Failed(with) if *with == values => {
                panic!("the guard could not be installed before")
            }
            _ => *installed = State::Failed(values.clone()),
        }
        let from = Instant::now();
        let words = values
            .iter()
            .fold(self.helm(UPGRADE), |run, value| run.arg("--set").arg(value));
        words.ok();
        self.until_trusted();
        self.until_alone();
        eprintln!(
            "e2e: the guard is installed ({:.1} s)",
            from.elapsed().as_secs_f32()
        );
        *installed = State::Release(values);
    }

    pub fn uninstall(self) -> Ran {
        let mut installed = self
            .bed
            .installed
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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

    /// Its Pods that are not on their way out.
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

    /// Their processes, to be killed or paused.
    pub fn processes(self) -> Vec<Arc<Process>> {
        let pods = self.pods();
        let process = |pod: &Value| self.bed.kubelet.process(text(pod, "/metadata/name"));
        pods.iter().filter_map(process).collect()
    }

    /// What every Pod's `/metrics` says, head of the HTTP answer and all, by the Pod's name.
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
            PATIENCE,
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

    /// Waits until its Service leads to the Pods of these values and to no others: those of earlier ones answer until
    /// they are gone.
    pub fn until_alone(self) {
        poll(
            "the Service to lead to the new Pods alone",
            PATIENCE,
            &mut || {
                let (all, led_to) = (self.addresses(), self.endpoints());
                let here: Vec<String> = self.pods().iter().map(address).collect();
                let here = BTreeSet::from_iter(here);
                if all == here && led_to == here {
                    Ok(())
                } else {
                    Err(format!(
                        "it leads to {led_to:?}, there are {all:?}, {here:?} are to stay"
                    ))
                }
            },
        );
    }

    /// Of all its Pods, those on their way out among them.
    fn addresses(self) -> BTreeSet<String> {
        let api = api::namespaced(&self.bed.client, "Pod", NAMESPACE);
        let pods = self.bed.block_on(api.list(&ListParams::default()));
        let pods = pods.expect("Pods can be listed").items.into_iter();
        let of_deployment = pods.filter(|pod| pod.labels().contains_key("pod-template-hash"));
        of_deployment.map(|pod| address(&api::json(&pod))).collect()
    }

    /// Where its Service leads.
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

    /// Does something that ends so many containers, and waits until they run again and all Pods are ready.
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
        poll(&what, PATIENCE, &mut || {
            let pods = self.pods();
            let more = restarts(&pods) - before;
            if more >= times && pods.iter().all(is_ready) {
                Ok(())
            } else {
                Err(format!("{more}"))
            }
        });
    }

    /// Holds the logs of all its Pods, those that are gone too, to have no word of a panic.
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

    /// Waits for a CA in both webhook configurations: without it the API server cannot call it.
    pub fn until_trusted(self) {
        for kind in [
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ] {
            let api = api::cluster_wide(&self.bed.client, kind);
            poll(&format!("a CA in the {kind}"), PATIENCE, &mut || {
                let found = self.bed.block_on(api::find(api.clone(), NAME));
                let found = found
                    .map_err(|error| error.to_string())?
                    .ok_or("it is not there")?;
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

/// Release, and all that carries its name.
pub const NAME: &str = "rollout-guard";
pub const NAMESPACE: &str = "rollout-guard";
const UPGRADE: &str = "upgrade --install rollout-guard charts/rollout-guard --create-namespace --reset-values \
                       --set image.repository=registry.example/rollout-guard --wait --timeout=45s";
const PATIENCE: Duration = Duration::from_mins(1);
