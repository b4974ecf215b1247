//! A property: however late API servers and replicas see what the leader writes, whatever turns it misses and
//! whatever damages the Secret, each handshake finds a certificate that its caller can verify.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::certificate_set::CertificateSet;
use super::rotation::Policy;
use super::secret::SecretData;
use super::serving_certificate::ServingCertificate;
use super::x509;

/// The Secret, the configurations, and who sees them when, second by second.
struct World {
    policy: Policy,
    now: SystemTime,
    /// When the leader looks at the latest, and whether it has a reason to look before.
    again: SystemTime,
    changed: bool,
    secret: SecretData,
    /// The caBundle in the configurations.
    bundle: String,
    /// What the leader remembers.
    before: SecretData,
    /// What was in both at the end of the last seconds, newest last.
    past: VecDeque<(SecretData, String)>,
    /// How many seconds late each replica and API server is.
    replicas: Vec<(usize, Option<ServingCertificate>)>,
    servers: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Turn,
    /// No leader, or no answer.
    Miss,
    /// The Secret is written, the configurations are not.
    Refused,
    Damage(Damage),
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Empty,
    ServingGone,
    KeyTorn,
    BundleTorn,
    BundleLost,
}

impl World {
    fn turn(&mut self, told: bool) {
        for _ in 0..8 {
            let set =
                CertificateSet::read(&self.secret, self.now).or_before(&self.before, self.now);
            let bundle = set.bundle();
            if told && !bundle.is_empty() {
                self.bundle.clone_from(&bundle);
            }
            let due = self.policy.due(&set, self.bundle == bundle, self.now);
            let Some(step) = due.step else {
                self.again = due.next.unwrap();
                self.changed = !told;
                assert!(self.again > self.now);
                return;
            };
            self.secret = self.policy.apply(step, set, self.now).unwrap();
            self.before = self.secret.clone();
        }
        panic!("steps follow one another without end");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Turn if self.changed || self.again <= self.now => self.turn(true),
            Event::Refused => self.turn(false),
            Event::Turn | Event::Miss => {}
            Event::Damage(damage) => self.damage(damage),
        }
        self.past
            .push_back((self.secret.clone(), self.bundle.clone()));
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        let last = self.past.len() - 1;
        for (late, serving) in &mut self.replicas {
            let at = |late: usize| &self.past[last.saturating_sub(late)].0;
            let seen = at(*late);
            if serving.is_some() && seen == at(*late + 1) {
                continue;
            }
            if let Some(good) = CertificateSet::read(seen, self.now).serving {
                *serving = Some(good);
            }
        }
        self.now += Duration::from_secs(1);
    }

    fn damage(&mut self, damage: Damage) {
        self.changed = true;
        let secret = &mut self.secret;
        match damage {
            Damage::Empty => *secret = SecretData::default(),
            Damage::ServingGone => secret.tls_crt.clear(),
            Damage::KeyTorn => secret.ca_key.truncate(60),
            Damage::BundleTorn => secret.ca_crt.truncate(100),
            Damage::BundleLost => secret.ca_crt.clear(),
        }
    }

    /// What is wrong with a handshake now.
    fn fault(&self) -> Option<String> {
        let last = self.past.len() - 1;
        for (server, late) in self.servers.iter().enumerate() {
            let (_, bundle) = &self.past[last.saturating_sub(*late)];
            let authorities: Vec<_> = CertificateDer::pem_slice_iter(bundle.as_bytes())
                .map(Result::unwrap)
                // Go also refuses a CA that has expired.
                .filter(|der| x509::validity(der).unwrap().not_after > self.now)
                .collect();
            for (replica, (_, serving)) in self.replicas.iter().enumerate() {
                let Some(serving) = serving else {
                    return Some(format!("replica {replica} serves nothing"));
                };
                if !x509::verifies(&serving.key.cert, &authorities, self.now) {
                    let life = serving.validity.not_after.duration_since(self.now);
                    return Some(format!(
                        "API server {server}, replica {replica}: {life:?} left"
                    ));
                }
            }
        }
        None
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let damage = prop_oneof![
        Just(Damage::Empty),
        Just(Damage::ServingGone),
        Just(Damage::KeyTorn),
        Just(Damage::BundleTorn),
        Just(Damage::BundleLost),
    ];
    let event = prop_oneof![
        60 => Just(Event::Turn),
        20 => Just(Event::Miss),
        10 => Just(Event::Refused),
        2 => damage.prop_map(Event::Damage),
    ];
    prop::collection::vec(event, 300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_handshake_can_be_verified(
        ca_life in 90_u64..200,
        serving_life in 60_u64..300,
        replicas in prop::collection::vec(0_usize..=4, 3),
        servers in prop::collection::vec(0_usize..=7, 2),
        events in events(),
    ) {
        let seconds = Duration::from_secs;
        let names = ["guard.ns.svc".to_owned()];
        let policy = Policy::new(&names, seconds(ca_life), seconds(serving_life)).unwrap();
        prop_assert!(policy.overlap() >= seconds(7));
        let mut world = World {
            policy,
            now: UNIX_EPOCH + seconds(1_800_000_000),
            again: UNIX_EPOCH,
            changed: false,
            secret: SecretData::default(),
            bundle: String::new(),
            before: SecretData::default(),
            past: VecDeque::new(),
            replicas: replicas.into_iter().map(|late| (late, None)).collect(),
            servers,
        };
        // An installation takes as long as its slowest part.
        for _ in 0..10 {
            world.happen(Event::Turn);
        }
        let mut missed = 0;
        let mut damaged = 0;
        for (second, mut event) in events.into_iter().enumerate() {
            // A CA whose key is lost is followed by one that has to be trusted first. Who damages that one
            // too, and the next, leaves no time to renew what is served.
            if matches!(event, Event::Damage(_)) {
                if second < damaged + QUIET {
                    event = Event::Turn;
                } else {
                    damaged = second;
                }
            }
            // Without a turn for long enough, everything expires.
            missed = if matches!(event, Event::Turn) { 0 } else { missed + 1 };
            world.happen(if missed > 3 { Event::Turn } else { event });
            let fault = world.fault();
            prop_assert!(fault.is_none(), "second {second}: {}", fault.unwrap_or_default());
        }
    }
}

const PAST: usize = 20;
/// In seconds, between one damage and the next.
const QUIET: usize = 60;
