//! The task that takes part in the election: reads and writes the Lease as the [`Election`] decides.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Error};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::election::Election;
use crate::api::client::error_message;
use crate::metrics::Metrics;

/// Between two renewals of the leader.
pub(super) const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// Between two attempts of the others.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(2);
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) struct Candidate {
    pub leases: Api<Object>,
    pub name: String,
    pub election: Election,
    pub leading: watch::Sender<bool>,
    pub metrics: Arc<Metrics>,
    /// The last failure, which is logged once.
    pub failure: String,
}

impl Candidate {
    pub async fn run(mut self, resigned: Arc<Notify>) {
        loop {
            let turn = async {
                let pause = self.turn().await;
                sleep(pause).await;
            };
            tokio::select! {
                () = turn => {}
                () = resigned.notified() => break,
            }
        }
        self.lead(None);
        // Also if it does not know that it leads: the answer to a write may be under way.
        let released = timeout_at(Instant::now() + RELEASE_TIMEOUT, self.release()).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!("Lease `{}` could not be released", self.name);
        }
    }

    /// Tries once, and returns how long to wait for the next attempt.
    async fn turn(&mut self) -> Duration {
        let begun = Instant::now();
        let deadline = self.election.deadline(begun);
        match timeout_at(deadline, self.attempt()).await {
            Ok(Ok(true)) => {
                self.failure.clear();
                self.lead(Some(begun));
                jitter(RENEW_INTERVAL)
            }
            Ok(Ok(false)) => {
                self.failure.clear();
                self.lead(None);
                jitter(RETRY_INTERVAL)
            }
            // Another candidate wrote first.
            Ok(Err(Error::Api(status))) if status.is_conflict() => self.pause(deadline),
            Ok(Err(error)) => self.failed(&error_message(&error), deadline),
            Err(_) => self.failed("no answer in time", deadline),
        }
    }

    fn failed(&mut self, error: &str, deadline: Instant) -> Duration {
        if self.failure != error {
            tracing::warn!("Lease `{}`: {error}", self.name);
            error.clone_into(&mut self.failure);
        }
        self.pause(deadline)
    }

    /// A leader that cannot renew steps down before another candidate may take the Lease.
    fn pause(&mut self, deadline: Instant) -> Duration {
        if !self.election.leads() {
            return jitter(RETRY_INTERVAL);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.lead(None);
            return jitter(RETRY_INTERVAL);
        }
        jitter(RETRY_INTERVAL).min(left)
    }

    fn lead(&mut self, renewed: Option<Instant>) {
        let leads = renewed.is_some();
        if leads != self.election.leads() {
            let now = if leads { "leads" } else { "leads no longer" };
            let identity = &self.election.identity;
            tracing::info!("{now}, by Lease `{}` as `{identity}`", self.name);
        }
        self.election.set_renewed(renewed);
        self.metrics.leader.leads(leads);
        self.leading.send_if_modified(|leading| {
            let before = std::mem::replace(leading, leads);
            before != leads
        });
    }

    /// Takes or renews the Lease, unless another candidate holds it.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let found = self.leases.get_opt(&self.name).await?;
        // A Lease without a spec has no holder.
        let spec = found
            .as_ref()
            .map(|lease| lease.spec.clone().unwrap_or_default());
        if !self.election.takes(spec.as_ref(), Instant::now()) {
            return Ok(false);
        }
        let claimed = Some(self.election.claim(spec, now()));
        let params = PostParams::default();
        match found {
            Some(lease) => {
                let lease = Object {
                    spec: claimed,
                    ..lease
                };
                self.leases.replace(&self.name, &params, &lease).await?;
            }
            None => {
                self.leases.create(&params, &self.lease(claimed)).await?;
            }
        }
        Ok(true)
    }

    fn lease(&self, spec: Option<LeaseSpec>) -> Object {
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            ..ObjectMeta::default()
        };
        Object { metadata, spec }
    }

    /// Leaves the Lease without a holder. A renewal that was under way may still come between.
    async fn release(&self) -> Result<(), Error> {
        loop {
            let Some(lease) = self.leases.get_opt(&self.name).await? else {
                return Ok(());
            };
            let spec = lease.spec.clone().unwrap_or_default();
            let Some(released) = self.election.release(spec, now()) else {
                return Ok(());
            };
            let lease = Object {
                spec: Some(released),
                ..lease
            };
            let params = PostParams::default();
            match self.leases.replace(&self.name, &params, &lease).await {
                Err(Error::Api(status)) if status.is_conflict() => {}
                written => return written.map(drop),
            }
        }
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

/// The time more or less a fifth, so that candidates do not stay in step.
fn jitter(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64().mul_add(0.4, 0.8))
}
