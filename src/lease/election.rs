//! The election as a state machine without a clock and without calls: what the Lease says now, and when, decides
//! whether this candidate takes it. It follows the rules of client-go's leader election: no clock is compared
//! with another one's. A candidate waits from the moment at which it saw the holder renew, on its own clock.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// How long a holder may go without renewing before another candidate takes the Lease.
pub(super) const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long a leader goes on after its last renewal: shorter than what the others wait.
pub(super) const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How long an absent Lease is waited for: Helm creates it after the Deployment, and fails if it exists.
const ABSENT_WAIT: Duration = Duration::from_secs(20);

/// What one candidate knows.
pub(super) struct Election {
    /// No two candidates may have the same.
    pub identity: String,
    /// The Lease as it last changed, and when that was seen.
    seen: Option<(Renewal, Instant)>,
    absent_since: Option<Instant>,
    /// While leading: when the last renewal that succeeded was begun.
    renewed: Option<Instant>,
}

/// What the holder changes when it renews: its identity and the time.
type Renewal = (String, Option<MicroTime>);

impl Election {
    pub fn new(identity: String) -> Self {
        Self {
            identity,
            seen: None,
            absent_since: None,
            renewed: None,
        }
    }

    pub fn leads(&self) -> bool {
        self.renewed.is_some()
    }

    /// The Lease was taken or renewed by a write that was begun at `renewed`; `None`: it is another's.
    pub fn set_renewed(&mut self, renewed: Option<Instant>) {
        self.renewed = renewed;
    }

    /// When an attempt that begins now must have ended. A leader ends before another may take the Lease.
    pub fn deadline(&self, now: Instant) -> Instant {
        self.renewed.unwrap_or(now) + RENEW_DEADLINE
    }

    /// Whether to write this candidate into the Lease, which is `None` where there is none.
    pub fn takes(&mut self, lease: Option<&LeaseSpec>, now: Instant) -> bool {
        match lease {
            None => self.takes_absent(now),
            Some(spec) => {
                self.absent_since = None;
                self.takes_from_holder(spec, now)
            }
        }
    }

    /// A leader makes a deleted Lease again at once.
    fn takes_absent(&mut self, now: Instant) -> bool {
        let since = *self.absent_since.get_or_insert(now);
        self.leads() || now.duration_since(since) >= ABSENT_WAIT
    }

    fn takes_from_holder(&mut self, spec: &LeaseSpec, now: Instant) -> bool {
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let renewal = (holder, spec.renew_time.clone());
        let since = match &self.seen {
            Some((seen, since)) if *seen == renewal => *since,
            _ => now,
        };
        self.seen = Some((renewal, since));
        now.duration_since(since) >= duration(spec)
    }

    /// The spec with this candidate as the holder; fields that are not the election's stay. `lease` is `None`
    /// for a Lease that is created.
    pub fn claim(&self, lease: Option<LeaseSpec>, now: MicroTime) -> LeaseSpec {
        let created = lease.is_none();
        let spec = lease.unwrap_or_default();
        let renews = spec.holder_identity.as_deref() == Some(&self.identity);
        let before = spec.lease_transitions.unwrap_or_default();
        let transitions = if renews || created {
            before
        } else {
            before.saturating_add(1)
        };
        LeaseSpec {
            acquire_time: spec.acquire_time.filter(|_| renews).or(Some(now.clone())),
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            lease_transitions: Some(transitions),
            renew_time: Some(now),
            ..spec
        }
    }

    /// The spec without a holder; `None` where this candidate does not hold it.
    pub fn release(&self, spec: LeaseSpec, now: MicroTime) -> Option<LeaseSpec> {
        let holds = spec.holder_identity.as_deref() == Some(&self.identity);
        holds.then_some(LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            renew_time: Some(now),
            ..spec
        })
    }
}

fn duration(spec: &LeaseSpec) -> Duration {
    match spec.lease_duration_seconds.map(u64::try_from) {
        Some(Ok(seconds)) => Duration::from_secs(seconds),
        _ => LEASE_DURATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn held(by: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(by.to_owned()),
            renew_time: Timestamp::from_second(renewed).ok().map(MicroTime),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(4),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn waits_on_its_own_clock_since_the_holder_last_renewed() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut election = Election::new("one".to_owned());
        assert!(!election.takes(Some(&held("two", 5)), start));
        assert!(!election.takes(Some(&held("two", 5)), after(14)));
        assert!(!election.takes(Some(&held("two", 6)), after(15)), "renewed");
        assert!(!election.takes(Some(&held("two", 6)), after(29)));
        assert!(election.takes(Some(&held("two", 6)), after(30)));
        assert!(election.takes(Some(&held("", 6)), start), "released");
        assert!(election.takes(Some(&held("one", 6)), start), "its own");
    }

    #[test]
    fn waits_for_an_absent_lease_unless_it_leads() {
        let start = Instant::now();
        let mut election = Election::new("one".to_owned());
        assert!(!election.takes(None, start));
        assert!(!election.takes(None, start + Duration::from_secs(19)));
        assert!(election.takes(None, start + ABSENT_WAIT));
        let mut leader = Election::new("one".to_owned());
        leader.set_renewed(Some(start));
        assert!(leader.takes(None, start));
    }

    #[test]
    fn counts_a_transition_only_when_the_holder_changes() {
        let election = Election::new("one".to_owned());
        let now = || MicroTime(Timestamp::UNIX_EPOCH);
        let transitions = |lease| election.claim(lease, now()).lease_transitions;
        assert_eq!(transitions(None), Some(0));
        assert_eq!(transitions(Some(held("one", 1))), Some(4));
        assert_eq!(transitions(Some(held("two", 1))), Some(5));
        assert_eq!(election.release(held("two", 1), now()), None);
        let released = election.release(held("one", 1), now()).unwrap();
        assert_eq!(
            (released.holder_identity, released.lease_transitions),
            (None, Some(4))
        );
    }
}
