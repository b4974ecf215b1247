//! Serves the certificate of the Secret. As the leader, keeps the Secret and the `caBundle` of the webhook
//! configurations up to date. Watches and timers only start a new read: what is done depends on what is read then,
//! so that an event that comes late never undoes a newer step.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::certificate_set::{CertificateSet, Fault};
use super::cluster_objects::ClusterObjects;
use super::resolver::CertificateResolver;
use super::rotation::{Policy, Step};
use super::rotation_error::RotationError;
use super::secret::{SecretData, has_changed, write};
use super::webhook_configurations::WebhookConfigurations;
use crate::last_error::LastError;

/// The shortest time between two reads.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(200);
/// The longest time between two reads while none fails.
const MAX_READ_INTERVAL: Duration = Duration::from_mins(1);
const RECONCILE_TIMEOUT: Duration = Duration::from_secs(20);
/// Doubled by each further failure.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(500);
/// More steps than ever follow one another.
const MAX_STEPS: usize = 8;

pub(super) struct CertificateKeeper {
    objects: ClusterObjects,
    policy: Policy,
    /// Whether this replica leads.
    leading: watch::Receiver<bool>,
    resolver: CertificateResolver,
    /// Receives a message as soon as there is a certificate to serve.
    ready: Option<oneshot::Sender<()>>,
    /// The Secret when it was last complete.
    before: SecretData,
    /// Failures in a row.
    failures: u32,
    last_failure: LastError,
    last_faults: LastError,
}

impl CertificateKeeper {
    pub fn new(
        objects: ClusterObjects,
        policy: Policy,
        leading: watch::Receiver<bool>,
        resolver: CertificateResolver,
        ready: oneshot::Sender<()>,
    ) -> Self {
        Self {
            objects,
            policy,
            leading,
            resolver,
            ready: Some(ready),
            before: SecretData::default(),
            failures: 0,
            last_failure: LastError::default(),
            last_faults: LastError::default(),
        }
    }

    pub async fn run(mut self) {
        let mut changes = self.objects.changes();
        let mut next_read = Instant::now();
        loop {
            tokio::select! {
                Some(()) = changes.next() => {}
                Ok(()) = self.leading.changed() => {}
                () = sleep_until(next_read) => {}
            }
            next_read = Instant::now() + self.try_to_reconcile().await;
            // A client that overwrites a caBundle again and again causes no more reads than these.
            sleep(MIN_READ_INTERVAL).await;
        }
    }

    /// Returns how long the next read may wait.
    async fn try_to_reconcile(&mut self) -> Duration {
        let reconcile = AssertUnwindSafe(timeout(RECONCILE_TIMEOUT, self.reconcile()));
        let result = match reconcile.catch_unwind().await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(RotationError::Timeout),
            Err(_) => Err(RotationError::Panic),
        };
        match result {
            Ok(next) => {
                self.failures = 0;
                self.last_failure.reset();
                delay_until(next, SystemTime::now())
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &RotationError) -> Duration {
        self.resolver.metrics.leader.rotation_failed();
        if self.last_failure.is_new(error) {
            let secret = &self.objects.secret;
            tracing::warn!(
                secret,
                error = error.to_string(),
                "the certificates cannot be kept up to date"
            );
        }
        let delay = FIRST_RETRY_DELAY * 2_u32.pow(self.failures.min(10));
        self.failures += 1;
        delay.min(self.policy.max_retry_delay())
    }

    /// Serves what the Secret holds; as the leader, carries out the steps that are due. Returns when a step may be due
    /// if nothing changes until then.
    async fn reconcile(&mut self) -> Result<Option<SystemTime>, RotationError> {
        let mut secret = self.objects.read_secret().await?;
        self.serve(secret.as_ref());
        if !self.leads() {
            return Ok(None);
        }
        let mut configurations = self.objects.read_configurations().await?;
        for _ in 0..MAX_STEPS {
            let now = SystemTime::now();
            let data = secret.as_ref().map(SecretData::of).unwrap_or_default();
            let set = CertificateSet::read(&data, now).or_before(&self.before, now);
            let trusted = self
                .write_bundle(&mut configurations, &set.bundle())
                .await?;
            let due = self.policy.due(&set, trusted, now);
            let Some(step) = due.step.filter(|_| self.leads()) else {
                return Ok(due.next);
            };
            secret = self.write_secret(step, set, secret, now).await?;
            self.serve(secret.as_ref());
        }
        Err(RotationError::Unsettled)
    }

    /// Writes one step. Returns the Secret as it is now, which another replica may have written.
    async fn write_secret(
        &self,
        step: Step,
        set: CertificateSet,
        read: Option<Secret>,
        now: SystemTime,
    ) -> Result<Option<Secret>, RotationError> {
        let data = self.policy.apply(step, set, now)?;
        let (secrets, name) = (self.objects.secrets(), &self.objects.secret);
        match write(&secrets, name, read.as_ref(), &data).await {
            Ok(written) => {
                tracing::info!(secret = name, step = step.done(), "wrote the certificates");
                if let Some(made) = step.made() {
                    self.resolver.metrics.leader.rotated(made);
                }
                Ok(Some(written))
            }
            Err(error) if has_changed(&error) => self.objects.read_secret().await,
            Err(error) => Err(RotationError::WriteSecret(error)),
        }
    }

    /// Writes the bundle where it differs. Returns whether every configuration has it.
    async fn write_bundle(
        &self,
        configurations: &mut WebhookConfigurations,
        bundle: &str,
    ) -> Result<bool, RotationError> {
        if bundle.is_empty() {
            return Ok(false);
        }
        let written = configurations.write(&self.objects.client, bundle).await;
        let patched = written.map_err(RotationError::WriteBundle)?;
        if patched > 0 {
            let secret = &self.objects.secret;
            tracing::info!(secret, configurations = patched, "wrote the caBundle");
            self.resolver.metrics.leader.bundles_patched(patched);
        }
        Ok(configurations.have(bundle))
    }

    /// Serves the Secret's certificate if it can be used. Otherwise the last good one stays.
    fn serve(&mut self, secret: Option<&Secret>) {
        let data = secret.map(SecretData::of).unwrap_or_default();
        let set = CertificateSet::read(&data, SystemTime::now());
        self.log_faults(&set.faults);
        let is_complete = set.is_complete();
        if let Some(serving) = set.serving {
            if self.resolver.adopt(serving) {
                tracing::info!(secret = self.objects.secret, "serves another certificate");
            }
            if let Some(ready) = self.ready.take() {
                // Nobody waits while the process ends.
                let _ = ready.send(());
            }
        }
        if is_complete {
            self.before = data;
        }
    }

    fn log_faults(&mut self, faults: &[Fault]) {
        if faults.is_empty() {
            self.last_faults.reset();
            return;
        }
        let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
        let faults = faults.join("; ");
        if self.last_faults.is_new(&faults) {
            let secret = &self.objects.secret;
            tracing::warn!(
                secret,
                error = faults,
                "the Secret is damaged, the last good certificate stays"
            );
            self.resolver.metrics.certificate_failed();
        }
    }

    /// An election that has ended has no leader here.
    fn leads(&self) -> bool {
        self.leading.has_changed().is_ok() && *self.leading.borrow()
    }
}

/// How long to wait until `next`, which may have passed during the last read.
fn delay_until(next: Option<SystemTime>, now: SystemTime) -> Duration {
    next.map_or(MAX_READ_INTERVAL, |next| {
        let left = next.duration_since(now).unwrap_or_default();
        left.clamp(MIN_READ_INTERVAL, MAX_READ_INTERVAL)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_due_during_a_read_does_not_wait_for_long() {
        let now = SystemTime::now();
        let seconds = Duration::from_secs;
        assert_eq!(delay_until(Some(now - seconds(1)), now), MIN_READ_INTERVAL);
        assert_eq!(delay_until(Some(now + seconds(5)), now), seconds(5));
        assert_eq!(
            delay_until(Some(now + seconds(500)), now),
            MAX_READ_INTERVAL
        );
        assert_eq!(delay_until(None, now), MAX_READ_INTERVAL);
    }
}
