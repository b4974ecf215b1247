//! The task that takes part in the election: reads and writes the Lease as the [`Election`] decides.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Error};
use tokio::sync::{Notify, watch};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::election::Election;
use crate::api::client::error_message;
use crate::last_error::LastError;
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
    pub last_error: LastError,
}

/// Why the Lease cannot be read or written.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("{}", error_message(.0))]
    Api(#[from] Error),
    #[error("no answer in time")]
    Timeout(#[from] Elapsed),
}

impl Candidate {
    pub async fn run(mut self, resigned: Arc<Notify>) {
        loop {
            let attempt = async {
                let delay = self.attempt().await;
                sleep(delay).await;
            };
            tokio::select! {
                () = attempt => {}
                () = resigned.notified() => break,
            }
        }
        self.lead(None);
        // Also if it does not know that it leads: the answer to a write may be under way.
        let released = timeout(RELEASE_TIMEOUT, self.release()).await;
        if let Err(error) = flatten(released) {
            let lease = &self.name;
            tracing::warn!(
                lease,
                error = error.to_string(),
                "the Lease cannot be released"
            );
        }
    }

    /// Tries once, and returns how long to wait for the next attempt.
    async fn attempt(&mut self) -> Duration {
        let begun = Instant::now();
        let deadline = self.election.deadline(begun);
        match flatten(timeout_at(deadline, self.take_or_renew()).await) {
            Ok(leads) => {
                self.last_error.reset();
                self.lead(leads.then_some(begun));
                jitter(if leads {
                    RENEW_INTERVAL
                } else {
                    RETRY_INTERVAL
                })
            }
            // Another candidate wrote first.
            Err(LeaseError::Api(Error::Api(status))) if status.is_conflict() => {
                self.retry_delay(deadline)
            }
            Err(error) => {
                if self.last_error.is_new(&error) {
                    let lease = &self.name;
                    tracing::warn!(lease, error = error.to_string(), "the Lease cannot be kept");
                }
                self.retry_delay(deadline)
            }
        }
    }

    /// A leader that cannot renew steps down before another candidate may take the Lease.
    fn retry_delay(&mut self, deadline: Instant) -> Duration {
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
            let (lease, identity) = (&self.name, &self.election.identity);
            tracing::info!(
                lease,
                identity,
                leads,
                "the leadership of this replica changed"
            );
        }
        self.election.set_renewed(renewed);
        self.metrics.leader.leads(leads);
        self.leading.send_if_modified(|leading| {
            let before = std::mem::replace(leading, leads);
            before != leads
        });
    }

    /// Takes or renews the Lease, unless another candidate holds it. Returns whether this candidate holds it now.
    async fn take_or_renew(&mut self) -> Result<bool, Error> {
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

    /// Leaves the Lease without a holder. Tries again if a renewal that was under way arrives in between.
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

fn flatten<T>(result: Result<Result<T, Error>, Elapsed>) -> Result<T, LeaseError> {
    Ok(result??)
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

/// The time plus or minus up to a fifth, so that candidates do not write at the same moments.
fn jitter(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64().mul_add(0.4, 0.8))
}
