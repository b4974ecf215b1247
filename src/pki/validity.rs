//! From when to when a certificate is valid, and when it is renewed.

use std::time::{Duration, SystemTime};

/// The clock of a client may be this far behind.
const MAX_CLOCK_SKEW: Duration = Duration::from_hours(1);

/// The validity of a certificate: RFC 5280, 4.1.2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

impl Validity {
    /// From now on, and a little before for clients whose clock is behind.
    pub fn starting(now: SystemTime, lifetime: Duration) -> Self {
        Self {
            not_before: now - skew(lifetime),
            not_after: now + lifetime,
        }
    }

    /// The same validity, which ends at `end` at the latest.
    #[must_use]
    pub fn until(self, end: SystemTime) -> Self {
        let not_after = self.not_after.min(end);
        Self { not_after, ..self }
    }

    /// When to renew: after two thirds of the validity, or of `lifetime` if that is shorter.
    pub fn renewal(&self, lifetime: Duration) -> SystemTime {
        let own = self.not_after.duration_since(self.not_before);
        let own = own.unwrap_or_default();
        self.not_before + own.min(lifetime + skew(lifetime)) * 2 / 3
    }
}

fn skew(lifetime: Duration) -> Duration {
    (lifetime / 10).min(MAX_CLOCK_SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn renewal_comes_well_before_the_end_of_the_shortest_lifetime() {
        for seconds in [10, 30, 60, 7_776_000, 31_536_000] {
            let lifetime = Duration::from_secs(seconds);
            let now = UNIX_EPOCH + Duration::from_hours(24) * 20_000;
            let validity = Validity::starting(now, lifetime);
            let due = validity.renewal(lifetime).duration_since(now).unwrap();
            assert!(
                due > lifetime * 6 / 10 && due < lifetime * 7 / 10,
                "{due:?}"
            );
            let shorter = validity.renewal(lifetime / 2);
            assert!(shorter < now + lifetime / 2, "of an older certificate, too");
        }
    }
}
