//! The rotation as a state machine without a clock and without calls of the API server: what the Secret and the
//! webhook configurations hold now decides which step is due. The order of the steps makes sure that whoever trusts
//! the `caBundle` of the configurations can always verify what a replica serves.

#[cfg(test)]
#[path = "../../tests/unit/pki/rotation.rs"]
mod tests;

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;

use super::authority::with_local_names;
use super::certificate_set::CertificateSet;

/// A failed step is repeated after this time at the latest, and sooner where certificates are valid for minutes.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);
/// See [`Policy::overlap`].
const MAX_OVERLAP: Duration = Duration::from_secs(10);

/// Which certificates the Secret is to hold.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// The DNS names and IP addresses of the serving certificate.
    pub names: Vec<String>,
    pub ca_lifetime: Duration,
    pub serving_lifetime: Duration,
}

/// One change of the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Makes a CA and trusts it beside the others. The serving certificate stays, if there is one.
    MakeAuthority,
    /// Notes since when every configuration holds the newest CA.
    NoteTrust,
    /// Removes that note: some configuration does not hold the newest CA any more.
    ForgetTrust,
    /// Issues a serving certificate of the newest CA.
    IssueServing,
    /// Writes what can be used and nothing else: without expired CAs, with what the Secret held before it was
    /// damaged.
    Tidy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub step: Option<Step>,
    /// When a step may be due if nothing changes until then.
    pub next: Option<SystemTime>,
}

#[derive(Debug, thiserror::Error)]
#[error("`--dns`: `{0}` is no DNS name and no IP address")]
pub struct InvalidName(String);

impl Policy {
    pub fn new(
        dns: &[String],
        ca_lifetime: Duration,
        serving_lifetime: Duration,
    ) -> Result<Self, InvalidName> {
        let names = with_local_names(dns);
        for name in &names {
            let host = name.strip_prefix("*.").unwrap_or(name);
            if ServerName::try_from(host).is_err() {
                return Err(InvalidName(name.clone()));
            }
        }
        Ok(Self {
            names,
            ca_lifetime,
            serving_lifetime,
        })
    }

    /// How long every configuration has held a CA before the CA signs: an API server sees a configuration some time
    /// after it is written.
    pub fn overlap(&self) -> Duration {
        (self.ca_lifetime / 12).min(MAX_OVERLAP)
    }

    pub fn max_retry_delay(&self) -> Duration {
        (self.ca_lifetime.min(self.serving_lifetime) / 12).min(MAX_RETRY_DELAY)
    }

    /// `trusted`: whether every webhook configuration that exists holds the whole bundle.
    pub fn due(&self, set: &CertificateSet, trusted: bool, now: SystemTime) -> Due {
        let mut next = Vec::new();
        let step = self.step(set, trusted, now, &mut next);
        let next = next.into_iter().filter(|time| *time > now).min();
        Due { step, next }
    }

    fn step(
        &self,
        set: &CertificateSet,
        trusted: bool,
        now: SystemTime,
        next: &mut Vec<SystemTime>,
    ) -> Option<Step> {
        let mut passed = |time: SystemTime| {
            next.push(time);
            time <= now
        };
        for authority in &set.authorities {
            passed(authority.validity.not_after);
        }
        match set.authorities.first() {
            Some(newest) if set.signer.is_some() => {
                if passed(newest.validity.renewal(self.ca_lifetime)) {
                    return Some(Step::MakeAuthority);
                }
            }
            _ => return Some(Step::MakeAuthority),
        }
        let Some(serving) = &set.serving else {
            return Some(Step::IssueServing);
        };
        passed(serving.validity.not_after);
        if !set.is_written {
            return Some(Step::Tidy);
        }
        if set.serves_by_newest() {
            let renewal = serving.validity.renewal(self.serving_lifetime);
            let is_due = passed(renewal) || !serving.is_for(&self.names);
            return is_due.then_some(Step::IssueServing);
        }
        match set.trusted_since.filter(|since| *since <= now) {
            Some(_) if !trusted => Some(Step::ForgetTrust),
            Some(since) => passed(since + self.overlap()).then_some(Step::IssueServing),
            None => trusted.then_some(Step::NoteTrust),
        }
    }
}

impl Step {
    /// What it makes, as a metric's label.
    pub fn made(self) -> Option<&'static str> {
        match self {
            Step::MakeAuthority => Some("ca"),
            Step::IssueServing => Some("serving"),
            Step::NoteTrust | Step::ForgetTrust | Step::Tidy => None,
        }
    }

    /// What it did, for the log.
    pub fn done(self) -> &'static str {
        match self {
            Step::MakeAuthority => "made a new CA",
            Step::IssueServing => "issued a serving certificate of the newest CA",
            Step::NoteTrust => "the newest CA is in every caBundle",
            Step::ForgetTrust => "the newest CA is no longer in every caBundle",
            Step::Tidy => "removed what cannot be used, and restored what was there",
        }
    }
}
