//! Leadership: one replica at a time holds a Lease, by the rules of client-go's leader election. Nobody's
//! clock is compared with another's: who waits counts, from when it last saw the holder renew, on its own.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client, Error};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::api::client::said;
use crate::metrics::Metrics;

/// A Lease by its name.
pub struct Lease {
    pub client: Client,
    pub namespace: String,
    pub name: String,
}

/// This replica's part in the election. Dropped, it goes on for as long as the runtime lives.
pub struct Leadership {
    leading: watch::Receiver<bool>,
    resign: Arc<Notify>,
    campaign: JoinHandle<()>,
}

struct Candidate {
    leases: Api<Object>,
    name: String,
    identity: String,
    /// The Lease as it last changed, and when that was seen.
    seen: Option<(Sign, Instant)>,
    /// Since when no Lease was there.
    absent: Option<Instant>,
    /// While leading: when the last renewal that succeeded was begun.
    renewed: Option<Instant>,
    leading: watch::Sender<bool>,
    metrics: Arc<Metrics>,
    said: String,
}

/// What the holder changes when it renews.
type Sign = (Option<String>, Option<MicroTime>);

impl Lease {
    /// Takes part until [`Leadership::resign`]. No two candidates may have the same identity.
    pub fn campaign(self, identity: String, metrics: Arc<Metrics>) -> Leadership {
        let (leading, watched) = watch::channel(false);
        let resign = Arc::new(Notify::new());
        let candidate = Candidate {
            leases: Api::namespaced(self.client, &self.namespace),
            name: self.name,
            identity,
            seen: None,
            absent: None,
            renewed: None,
            leading,
            metrics,
            said: String::new(),
        };
        Leadership {
            leading: watched,
            resign: Arc::clone(&resign),
            campaign: tokio::spawn(candidate.run(resign)),
        }
    }
}

impl Leadership {
    /// Whether this replica leads now, and whenever that changes.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// Leads no longer, and leaves the Lease to whoever asks next.
    pub async fn resign(self) {
        self.resign.notify_one();
        // It has ended either way.
        let _ = self.campaign.await;
    }
}

impl Candidate {
    async fn run(mut self, resigned: Arc<Notify>) {
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
        // Also if it does not know that it leads: an answer may have been under way.
        let released = timeout_at(Instant::now() + RELEASE, self.release()).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!("Lease `{}` could not be released", self.name);
        }
    }

    /// Tries once, and says when to try again.
    async fn turn(&mut self) -> Duration {
        let begun = Instant::now();
        let deadline = self.renewed.unwrap_or(begun) + RENEW_DEADLINE;
        match timeout_at(deadline, self.attempt()).await {
            Ok(Ok(true)) => {
                self.said.clear();
                self.lead(Some(begun));
                jitter(RENEW)
            }
            Ok(Ok(false)) => {
                self.said.clear();
                self.lead(None);
                jitter(RETRY)
            }
            // Somebody else was faster.
            Ok(Err(Error::Api(status))) if status.is_conflict() => self.pause(deadline),
            Ok(Err(error)) => self.failed(&said(&error), deadline),
            Err(_) => self.failed("no answer in time", deadline),
        }
    }

    fn failed(&mut self, error: &str, deadline: Instant) -> Duration {
        if self.said != error {
            tracing::warn!("Lease `{}`: {error}", self.name);
            error.clone_into(&mut self.said);
        }
        self.pause(deadline)
    }

    /// A leader that cannot renew steps down before another may take the Lease.
    fn pause(&mut self, deadline: Instant) -> Duration {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.renewed.is_some() && left.is_zero() {
            self.lead(None);
        }
        match self.renewed {
            Some(_) => jitter(RETRY).min(left),
            None => jitter(RETRY),
        }
    }

    fn lead(&mut self, renewed: Option<Instant>) {
        if renewed.is_some() != self.renewed.is_some() {
            let now = if renewed.is_some() {
                "leads"
            } else {
                "leads no longer"
            };
            tracing::info!("{now}, by Lease `{}` as `{}`", self.name, self.identity);
        }
        self.renewed = renewed;
        self.metrics.own.leads(renewed.is_some());
        self.leading.send_if_modified(|leading| {
            let before = std::mem::replace(leading, renewed.is_some());
            before != *leading
        });
    }

    /// Takes or renews the Lease, unless another holds it.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let found = self.leases.get_opt(&self.name).await?;
        let absent = found.is_none();
        if self.waits_for_it(absent, Instant::now()) {
            return Ok(false);
        }
        let mut lease = found.unwrap_or_else(|| self.unwritten());
        let spec = lease.spec.take().unwrap_or_default();
        if !self.may_take(&spec, Instant::now()) {
            return Ok(false);
        }
        lease.spec = Some(self.claim(spec, absent));
        let params = PostParams::default();
        if absent {
            self.leases.create(&params, &lease).await?;
        } else {
            self.leases.replace(&self.name, &params, &lease).await?;
        }
        Ok(true)
    }

    /// Helm brings the Lease after the Deployment, and would stumble over one that is there already. Who
    /// leads makes it again at once.
    fn waits_for_it(&mut self, absent: bool, now: Instant) -> bool {
        self.absent = absent.then(|| self.absent.unwrap_or(now));
        let since = self.absent.filter(|_| self.renewed.is_none());
        since.is_some_and(|since| now.duration_since(since) < BROUGHT)
    }

    fn may_take(&mut self, spec: &LeaseSpec, now: Instant) -> bool {
        let holder = spec
            .holder_identity
            .clone()
            .filter(|holder| !holder.is_empty());
        let Some(holder) = holder.filter(|holder| *holder != self.identity) else {
            return true;
        };
        let sign = (Some(holder), spec.renew_time.clone());
        let since = match &self.seen {
            Some((seen, since)) if *seen == sign => *since,
            _ => now,
        };
        self.seen = Some((sign, since));
        now.duration_since(since) >= duration(spec)
    }

    /// The spec with this replica as holder; what is not the election's stays.
    fn claim(&self, spec: LeaseSpec, absent: bool) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let renews = spec.holder_identity.as_deref() == Some(&self.identity);
        let before = spec.lease_transitions.unwrap_or_default();
        let transitions = if renews || absent {
            before
        } else {
            before.saturating_add(1)
        };
        LeaseSpec {
            acquire_time: spec.acquire_time.filter(|_| renews).or(Some(now.clone())),
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            lease_transitions: Some(transitions),
            renew_time: Some(now),
            ..spec
        }
    }

    fn unwritten(&self) -> Object {
        Object {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        }
    }

    /// Leaves no holder. A renewal that was under way may still come between.
    async fn release(&self) -> Result<(), Error> {
        loop {
            let Some(mut lease) = self.leases.get_opt(&self.name).await? else {
                return Ok(());
            };
            let spec = lease.spec.take().unwrap_or_default();
            if spec.holder_identity.as_deref() != Some(&self.identity) {
                return Ok(());
            }
            lease.spec = Some(LeaseSpec {
                holder_identity: None,
                lease_duration_seconds: Some(1),
                renew_time: Some(MicroTime(Timestamp::now())),
                ..spec
            });
            let params = PostParams::default();
            match self.leases.replace(&self.name, &params, &lease).await {
                Err(Error::Api(status)) if status.is_conflict() => {}
                released => return released.map(drop),
            }
        }
    }
}

/// A name for this process: a container that is started again in the same Pod is another candidate.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{:016x}", fastrand::u64(..))
}

/// How long the holder may go without renewing.
fn duration(spec: &LeaseSpec) -> Duration {
    let seconds = spec.lease_duration_seconds.map(u64::try_from);
    match seconds {
        Some(Ok(seconds)) => Duration::from_secs(seconds),
        _ => DURATION,
    }
}

/// So that candidates do not stay in step.
fn jitter(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64().mul_add(0.4, 0.8))
}

const DURATION: Duration = Duration::from_secs(15);
/// For the leader since its last renewal: well before the others may take the Lease.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
const RENEW: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(2);
/// How long a Lease that is not there is waited for.
const BROUGHT: Duration = Duration::from_secs(20);
const RELEASE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
