//! What is due now: which CA and certificate are to be made, and in what order, so that whoever trusts the
//! caBundle of the webhook configurations can always verify what a replica serves. No API call is made here.

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;

use super::contents::{Contents, Served, Texts, Trusted};
use crate::pki::authority::{Authority, Life, with_local_names};

/// What is wanted.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// Of the serving certificate.
    pub names: Vec<String>,
    pub ca_life: Duration,
    pub serving_life: Duration,
}

/// One change of the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A new CA before the others; what is served stays, unless there is nothing.
    MakeAuthority,
    /// The newest CA has come to be trusted.
    NoteTrust,
    /// It is no longer trusted everywhere.
    ForgetTrust,
    /// A serving certificate of the newest CA.
    IssueServing,
    /// What can be used and nothing else: without expired CAs, with what was there before the Secret was
    /// damaged.
    Tidy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub step: Option<Step>,
    /// When something may be due if nothing else happens.
    pub next: Option<SystemTime>,
}

impl Policy {
    /// # Errors
    /// A name that no certificate can be for.
    pub fn new(dns: &[String], ca_life: Duration, serving_life: Duration) -> Result<Self, String> {
        let names = with_local_names(dns);
        for name in &names {
            let host = name.strip_prefix("*.").unwrap_or(name);
            if ServerName::try_from(host).is_err() {
                return Err(format!(
                    "`--dns`: `{name}` is no DNS name and no IP address"
                ));
            }
        }
        Ok(Self {
            names,
            ca_life,
            serving_life,
        })
    }

    /// How long a CA has been in every configuration before it is used: API servers see a configuration
    /// some time after it is written.
    pub fn overlap(&self) -> Duration {
        (self.ca_life / 12).min(OVERLAP)
    }

    /// How long a failed step may be left.
    pub fn patience(&self) -> Duration {
        (self.ca_life.min(self.serving_life) / 12).min(PATIENCE)
    }

    /// `trusted`: whether the whole bundle is in every webhook configuration that exists.
    pub fn due(&self, contents: &Contents, trusted: bool, now: SystemTime) -> Due {
        let mut next = Vec::new();
        let step = self.step(contents, trusted, now, &mut next);
        let next = next.into_iter().filter(|time| *time > now).min();
        Due { step, next }
    }

    fn step(
        &self,
        contents: &Contents,
        trusted: bool,
        now: SystemTime,
        next: &mut Vec<SystemTime>,
    ) -> Option<Step> {
        let mut passed = |time: SystemTime| {
            next.push(time);
            time <= now
        };
        for authority in &contents.authorities {
            passed(authority.life.ends);
        }
        match contents.authorities.first() {
            Some(newest) if contents.signer.is_some() => {
                if passed(newest.life.two_thirds(self.ca_life)) {
                    return Some(Step::MakeAuthority);
                }
            }
            _ => return Some(Step::MakeAuthority),
        }
        let Some(serving) = &contents.serving else {
            return Some(Step::IssueServing);
        };
        let life = serving.pair.life;
        passed(life.ends);
        if !contents.tidy {
            return Some(Step::Tidy);
        }
        if contents.serves_by_newest() {
            let due = passed(life.two_thirds(self.serving_life)) || !serving.is_for(&self.names);
            return due.then_some(Step::IssueServing);
        }
        match contents.trusted_since.filter(|since| *since <= now) {
            Some(_) if !trusted => Some(Step::ForgetTrust),
            Some(since) => passed(since + self.overlap()).then_some(Step::IssueServing),
            None => trusted.then_some(Step::NoteTrust),
        }
    }

    /// The Secret after a step.
    pub fn take(&self, step: Step, contents: Contents, now: SystemTime) -> Result<Texts, String> {
        let mut contents = contents;
        contents.trusted_since = None;
        match step {
            Step::MakeAuthority => self.make_authority(&mut contents, now)?,
            Step::IssueServing => contents.serving = Some(self.issue(&contents, now)?),
            Step::NoteTrust => contents.trusted_since = Some(now),
            Step::ForgetTrust | Step::Tidy => {}
        }
        Ok(contents.texts())
    }

    fn make_authority(&self, contents: &mut Contents, now: SystemTime) -> Result<(), String> {
        let unmade = |error| format!("cannot make a CA: {error}");
        let authority = Authority::new(Life::starting(now, self.ca_life)).map_err(unmade)?;
        let trusted = pem::parse(authority.pem()).ok();
        let trusted = trusted.as_ref().and_then(Trusted::of);
        let trusted = trusted.ok_or("cannot make a CA: its certificate cannot be read")?;
        contents.authorities.insert(0, trusted);
        contents.signer = Some(authority);
        if contents.serving.is_none() {
            contents.serving = Some(self.issue(contents, now)?);
        }
        Ok(())
    }

    /// A certificate never outlives its CA: a client that checks both would no longer trust it.
    fn issue(&self, contents: &Contents, now: SystemTime) -> Result<Served, String> {
        let (Some(signer), Some(newest)) = (&contents.signer, contents.authorities.first()) else {
            return Err("there is no CA to sign a certificate".to_owned());
        };
        let life = Life::starting(now, self.serving_life).until(newest.life.ends);
        let serving = signer.issue(&self.names, life);
        Served::of(serving.map_err(|error| format!("cannot make a certificate: {error}"))?)
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

    /// In the past tense.
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

/// Where lives are long.
const PATIENCE: Duration = Duration::from_secs(30);
const OVERLAP: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
