//! What is due now: which CA and certificate are to be made, and in what order, so that whoever trusts the
//! caBundle of the webhook configurations can always verify what a replica serves. No API call is made here.

use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;

use super::contents::{Contents, Served, Texts, Trusted};
use crate::serve::authority::{Authority, Life, with_local_names};

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
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const DAY: Duration = Duration::from_hours(24);

    fn policy(names: &[&str]) -> Policy {
        let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
        Policy::new(&names, DAY * 365, DAY * 90).unwrap()
    }

    fn start() -> SystemTime {
        UNIX_EPOCH + DAY * 20_000
    }

    /// The Secret after a step that must be due.
    fn step(policy: &Policy, texts: &Texts, trusted: bool, now: SystemTime, step: Step) -> Texts {
        let contents = Contents::read(texts, now);
        assert_eq!(policy.due(&contents, trusted, now).step, Some(step));
        policy.take(step, contents, now).unwrap()
    }

    fn nothing(policy: &Policy, texts: &Texts, trusted: bool, now: SystemTime) -> SystemTime {
        let due = policy.due(&Contents::read(texts, now), trusted, now);
        assert_eq!(due.step, None);
        due.next.unwrap()
    }

    fn founded(policy: &Policy) -> Texts {
        step(
            policy,
            &Texts::default(),
            false,
            start(),
            Step::MakeAuthority,
        )
    }

    #[test]
    fn an_empty_secret_is_filled_at_once() {
        let policy = policy(&["a.svc"]);
        let texts = founded(&policy);
        let contents = Contents::read(&texts, start());
        assert!(contents.faults.is_empty() && contents.tidy && contents.serves_by_newest());
        for trusted in [true, false] {
            let next = nothing(&policy, &texts, trusted, start());
            // Two thirds of the serving certificate's life, which begins a little early.
            let due = next.duration_since(start()).unwrap();
            assert!(due < DAY * 60 && due > DAY * 59, "{due:?}");
        }
    }

    #[test]
    fn a_serving_certificate_is_renewed_by_the_same_ca() {
        let policy = policy(&["a.svc"]);
        let first = founded(&policy);
        nothing(&policy, &first, true, start() + DAY * 59);
        let renewed = step(
            &policy,
            &first,
            true,
            start() + DAY * 61,
            Step::IssueServing,
        );
        assert_eq!(
            (&renewed.ca_crt, &renewed.ca_key),
            (&first.ca_crt, &first.ca_key)
        );
        assert_ne!(renewed.tls_crt, first.tls_crt);
        nothing(&policy, &renewed, true, start() + DAY * 61);
    }

    #[test]
    fn other_names_want_another_certificate() {
        let texts = founded(&policy(&["a.svc", "10.0.0.1"]));
        nothing(&policy(&["10.0.0.1", "a.svc"]), &texts, true, start());
        for names in [
            &["a.svc", "b.svc", "10.0.0.1"][..],
            &["10.0.0.1"],
            &["a.svc", "10.0.0.2"],
        ] {
            let policy = policy(names);
            let issued = step(&policy, &texts, true, start(), Step::IssueServing);
            nothing(&policy, &issued, true, start());
        }
    }

    #[test]
    fn a_new_ca_serves_only_after_it_was_trusted_for_a_while() {
        let policy = policy(&["a.svc"]);
        let now = start() + DAY * 50;
        let old = Policy {
            ca_life: DAY * 75,
            ..policy.clone()
        };
        let first = founded(&old);
        let two = step(&old, &first, true, now + DAY, Step::MakeAuthority);
        assert!(two.ca_crt.ends_with(&first.ca_crt), "newest first");
        assert_eq!(
            (&two.tls_crt, &two.tls_key),
            (&first.tls_crt, &first.tls_key)
        );
        let now = now + DAY;
        nothing(&policy, &two, false, now);
        let noted = step(&policy, &two, true, now, Step::NoteTrust);
        let overlap = policy.overlap();
        assert_eq!(nothing(&policy, &noted, true, now), now + overlap);
        let lost = step(&policy, &noted, false, now, Step::ForgetTrust);
        assert_eq!(lost, two, "the overlap begins again");
        let third = step(&policy, &noted, true, now + overlap, Step::IssueServing);
        assert!(Contents::read(&third, now + overlap).serves_by_newest());
        assert_eq!(third.ca_crt, two.ca_crt, "the old CA is trusted to its end");
        let end = start() + DAY * 75;
        let tidy = step(&policy, &third, true, end, Step::Tidy);
        assert!(third.ca_crt.starts_with(&tidy.ca_crt) && third.ca_crt != tidy.ca_crt);
    }

    #[test]
    fn a_time_of_trust_that_is_to_come_is_not_believed() {
        let policy = policy(&["a.svc"]);
        let now = start() + DAY * 250;
        let mut texts = founded(&Policy {
            serving_life: DAY * 365,
            ..policy.clone()
        });
        texts = step(&policy, &texts, true, now, Step::MakeAuthority);
        texts.trusted_since = Some(now + DAY);
        step(&policy, &texts, true, now, Step::NoteTrust);
    }

    #[test]
    fn what_has_expired_is_replaced_whether_trusted_or_not() {
        let policy = policy(&["a.svc"]);
        let texts = founded(&policy);
        let later = start() + DAY * 91;
        let issued = step(&policy, &texts, false, later, Step::IssueServing);
        assert_eq!(issued.ca_crt, texts.ca_crt);
        let much_later = start() + DAY * 366;
        let made = step(&policy, &texts, false, much_later, Step::MakeAuthority);
        assert!(!made.ca_crt.contains(&texts.ca_crt));
        nothing(&policy, &made, false, much_later);
    }

    #[test]
    fn a_shorter_life_counts_for_what_is_there() {
        let texts = founded(&policy(&["a.svc"]));
        let shorter = Policy {
            serving_life: DAY * 3,
            ..policy(&["a.svc"])
        };
        step(
            &shorter,
            &texts,
            true,
            start() + DAY * 2,
            Step::IssueServing,
        );
    }

    #[test]
    fn refuses_names_that_no_certificate_can_be_for() {
        for name in ["", "a b", "a..b", "https://a"] {
            assert!(Policy::new(&[name.to_owned()], DAY, DAY).is_err(), "{name}");
        }
    }
}
