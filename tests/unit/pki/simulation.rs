//! A property: in every handshake the API server can verify the certificate, however late API servers and replicas see
//! what the leader writes, however often the leader fails, and however the Secret is damaged.

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

/// How many seconds of the past are remembered.
const PAST_SECONDS: usize = 20;
const MIN_SECONDS_BETWEEN_DAMAGES: usize = 60;
/// Without a leader for longer, everything expires.
const MAX_MISSED_SECONDS: usize = 3;

/// The Secret and the configurations, and what each replica and API server sees of them, second by second.
struct World {
    policy: Policy,
    now: SystemTime,
    /// When the leader reads the Secret at the latest.
    next_read: SystemTime,
    /// Whether the leader reads before that, because of a change or a failure.
    changed: bool,
    secret: SecretData,
    /// The caBundle in the configurations.
    bundle: String,
    /// The Secret that the leader remembers.
    before: SecretData,
    /// The Secret and the bundle at the end of each of the last seconds, newest last.
    past: VecDeque<(SecretData, String)>,
    /// How many seconds late each replica sees the Secret, and what it serves.
    replicas: Vec<(usize, Option<ServingCertificate>)>,
    /// How many seconds late each API server sees the bundle.
    servers: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Reconcile,
    /// There is no leader, or the API server does not answer.
    Miss,
    /// The leader can write the Secret, but not the configurations.
    ReconcileSecretOnly,
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
    fn reconcile(&mut self, writes_bundle: bool) {
        for _ in 0..8 {
            let set =
                CertificateSet::read(&self.secret, self.now).or_before(&self.before, self.now);
            let bundle = set.bundle();
            if writes_bundle && !bundle.is_empty() {
                self.bundle.clone_from(&bundle);
            }
            let due = self.policy.due(&set, self.bundle == bundle, self.now);
            let Some(step) = due.step else {
                self.next_read = due.next.unwrap();
                self.changed = !writes_bundle;
                assert!(self.next_read > self.now);
                return;
            };
            self.secret = self.policy.apply(step, set, self.now).unwrap();
            self.before = self.secret.clone();
        }
        panic!("the steps do not end");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reconcile if self.changed || self.next_read <= self.now => self.reconcile(true),
            Event::ReconcileSecretOnly => self.reconcile(false),
            Event::Reconcile | Event::Miss => {}
            Event::Damage(damage) => self.damage(damage),
        }
        self.past
            .push_back((self.secret.clone(), self.bundle.clone()));
        if self.past.len() > PAST_SECONDS {
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

    /// Why a handshake would fail now.
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
                    let left = serving.validity.not_after.duration_since(self.now);
                    return Some(format!(
                        "API server {server}, replica {replica}: {left:?} left"
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
        60 => Just(Event::Reconcile),
        20 => Just(Event::Miss),
        10 => Just(Event::ReconcileSecretOnly),
        2 => damage.prop_map(Event::Damage),
    ];
    prop::collection::vec(event, 300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_handshake_can_be_verified(
        ca_lifetime in 90_u64..200,
        serving_lifetime in 60_u64..300,
        replicas in prop::collection::vec(0_usize..=4, 3),
        servers in prop::collection::vec(0_usize..=7, 2),
        events in events(),
    ) {
        let seconds = Duration::from_secs;
        let names = ["guard.ns.svc".to_owned()];
        let policy = Policy::new(&names, seconds(ca_lifetime), seconds(serving_lifetime)).unwrap();
        prop_assert!(policy.overlap() >= seconds(7));
        let mut world = World {
            policy,
            now: UNIX_EPOCH + seconds(1_800_000_000),
            next_read: UNIX_EPOCH,
            changed: false,
            secret: SecretData::default(),
            bundle: String::new(),
            before: SecretData::default(),
            past: VecDeque::new(),
            replicas: replicas.into_iter().map(|late| (late, None)).collect(),
            servers,
        };
        // The slowest replica and API server see the first Secret.
        for _ in 0..10 {
            world.happen(Event::Reconcile);
        }
        let mut missed = 0;
        let mut damaged = 0;
        for (second, mut event) in events.into_iter().enumerate() {
            // After the key of a CA is lost, a new CA has to be trusted before it signs. If that CA is damaged too,
            // and the next one, no time is left to renew the serving certificate.
            if matches!(event, Event::Damage(_)) {
                if second < damaged + MIN_SECONDS_BETWEEN_DAMAGES {
                    event = Event::Reconcile;
                } else {
                    damaged = second;
                }
            }
            missed = if matches!(event, Event::Reconcile) { 0 } else { missed + 1 };
            world.happen(if missed > MAX_MISSED_SECONDS { Event::Reconcile } else { event });
            let fault = world.fault();
            prop_assert!(fault.is_none(), "second {second}: {}", fault.unwrap_or_default());
        }
    }
}
