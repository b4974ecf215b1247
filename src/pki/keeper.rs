//! Keeps the Secret's certificate served, and as leader the Secret and the caBundles as they should be.
//! Watches and times only say when to look: what is done follows from what is read then, so that an event
//! that comes late never undoes a newer step.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::bundles::Configurations;
use super::certificates::Certificates;
use super::contents::{Contents, Texts};
use super::places::Places;
use super::rotation::{Policy, Step};
use super::secret::{has_changed, write};
use crate::api::client::error_message;

pub(super) struct Keeper {
    pub places: Places,
    pub policy: Policy,
    pub leading: watch::Receiver<bool>,
    pub certificates: Certificates,
    /// Told when there is a certificate to serve.
    pub served: Option<oneshot::Sender<()>>,
    /// The Secret when it was last whole.
    pub before: Texts,
    pub troubles: Troubles,
    pub damage: Said,
}

/// Failures in a row.
#[derive(Default)]
pub(super) struct Troubles {
    said: Said,
    failures: u32,
}

/// What was said last, so that it is said once.
#[derive(Default)]
pub(super) struct Said(Option<String>);

impl Keeper {
    pub async fn run(mut self) {
        let mut changes = self.places.changes();
        let mut again = Instant::now();
        loop {
            tokio::select! {
                Some(()) = changes.next() => {}
                Ok(()) = self.leading.changed() => {}
                () = sleep_until(again) => {}
            }
            again = Instant::now() + self.look().await;
            // Somebody who sets a caBundle again and again gets no more than this.
            sleep(GAP).await;
        }
    }

    /// Does what is due, and says when to look again at the latest.
    async fn look(&mut self) -> Duration {
        let turn = AssertUnwindSafe(timeout(TURN, self.turn()))
            .catch_unwind()
            .await;
        let turn =
            turn.unwrap_or_else(|_| Ok(Err("a fault of rollout-guard: panicked".to_owned())));
        match turn.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(next) => {
                self.troubles = Troubles::default();
                pause(next, SystemTime::now())
            }
            Err(error) => {
                self.certificates.metrics.leader.rotation_failed();
                let (secret, patience) = (&self.places.secret, self.policy.patience());
                self.troubles
                    .failed(&format!("Secret `{secret}`: {error}"), patience)
            }
        }
    }

    /// Serves what the Secret holds; as leader, takes the steps that are due.
    async fn turn(&mut self) -> Result<Option<SystemTime>, String> {
        let mut secret = self.places.read().await?;
        self.adopt(secret.as_ref());
        if !self.leads() {
            return Ok(None);
        }
        let mut configurations = self.places.configurations().await?;
        for _ in 0..STEPS {
            let now = SystemTime::now();
            let contents = self.contents(secret.as_ref(), now);
            let trusted = self.tell(&mut configurations, &contents.bundle()).await?;
            let due = self.policy.due(&contents, trusted, now);
            let Some(step) = due.step.filter(|_| self.leads()) else {
                return Ok(due.next);
            };
            secret = self.take(step, contents, secret, now).await?;
            self.adopt(secret.as_ref());
        }
        Err("changes again and again".to_owned())
    }

    /// One step; what another has written meanwhile stands instead.
    async fn take(
        &self,
        step: Step,
        contents: Contents,
        read: Option<Secret>,
        now: SystemTime,
    ) -> Result<Option<Secret>, String> {
        let texts = self.policy.take(step, contents, now)?;
        let (secrets, name) = (self.places.secrets(), &self.places.secret);
        match write(&secrets, name, read.as_ref(), &texts).await {
            Ok(written) => {
                tracing::info!("Secret `{name}`: {}", step.done());
                if let Some(made) = step.made() {
                    self.certificates.metrics.leader.rotated(made);
                }
                Ok(Some(written))
            }
            Err(error) if has_changed(&error) => self.places.read().await,
            Err(error) => Err(format!("cannot be written: {}", error_message(&error))),
        }
    }

    /// Keeps the caBundles, and says whether they are all in place.
    async fn tell(
        &self,
        configurations: &mut Configurations,
        bundle: &str,
    ) -> Result<bool, String> {
        if bundle.is_empty() {
            return Ok(false);
        }
        let written = configurations.write(&self.places.client, bundle).await;
        let patched = written
            .map_err(|error| format!("caBundle cannot be written: {}", error_message(&error)))?;
        if patched > 0 {
            tracing::info!("the caBundle of {patched} webhook configurations was not the Secret's");
            self.certificates.metrics.leader.bundles_patched(patched);
        }
        Ok(configurations.trust(bundle))
    }

    fn contents(&self, secret: Option<&Secret>, now: SystemTime) -> Contents {
        let texts = secret.map(Texts::of).unwrap_or_default();
        Contents::read(&texts, now).mend(&self.before, now)
    }

    /// Serves the Secret's certificate if it has a good one; else the last good one stays.
    fn adopt(&mut self, secret: Option<&Secret>) {
        let texts = secret.map(Texts::of).unwrap_or_default();
        let contents = Contents::read(&texts, SystemTime::now());
        let whole = contents.signer.is_some() && contents.serving.is_some();
        if let Some(serving) = contents.serving {
            if self.certificates.adopt(serving.pair) {
                tracing::info!("serves the certificate of Secret `{}`", self.places.secret);
            }
            if let Some(served) = self.served.take() {
                // Nobody waits while the process ends.
                let _ = served.send(());
            }
        }
        if whole {
            self.before = texts;
        }
        if contents.faults.is_empty() {
            self.damage = Said::default();
        } else {
            let (secret, faults) = (&self.places.secret, contents.faults.join("; "));
            let damage = "is damaged, the last good certificate stays";
            if self
                .damage
                .say(&format!("Secret `{secret}` {damage}: {faults}"))
            {
                self.certificates.metrics.certificate_failed();
            }
        }
    }

    /// An election that has ended, in whatever way, has no leader here.
    fn leads(&self) -> bool {
        self.leading.has_changed().is_ok() && *self.leading.borrow()
    }
}

impl Troubles {
    /// Says it, and for how long to leave it.
    fn failed(&mut self, trouble: &str, patience: Duration) -> Duration {
        self.said.say(trouble);
        let pause = FIRST_PAUSE * 2_u32.pow(self.failures.min(10));
        self.failures += 1;
        pause.min(patience)
    }
}

impl Said {
    /// Whether it is new.
    fn say(&mut self, trouble: &str) -> bool {
        let new = self.0.as_deref() != Some(trouble);
        if new {
            tracing::warn!("{trouble}");
            self.0 = Some(trouble.to_owned());
        }
        new
    }
}

/// How long until what comes next, which may have come while this turn was taken.
fn pause(next: Option<SystemTime>, now: SystemTime) -> Duration {
    next.map_or(REREAD, |next| {
        let left = next.duration_since(now).unwrap_or_default();
        left.clamp(GAP, REREAD)
    })
}

/// Between two looks at least.
const GAP: Duration = Duration::from_millis(200);
/// Between two looks at most.
const REREAD: Duration = Duration::from_mins(1);
const TURN: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// More than ever follow one another.
const STEPS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_due_during_a_turn_is_not_left_for_long() {
        let now = SystemTime::now();
        let seconds = Duration::from_secs;
        assert_eq!(pause(Some(now - seconds(1)), now), GAP);
        assert_eq!(pause(Some(now + seconds(5)), now), seconds(5));
        assert_eq!(pause(Some(now + seconds(500)), now), REREAD);
        assert_eq!(pause(None, now), REREAD);
    }
}
