//! The steps of the rotation, at times that the tests choose.

use super::*;
use crate::pki::secret::SecretData;
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
fn step(
    policy: &Policy,
    data: &SecretData,
    trusted: bool,
    now: SystemTime,
    step: Step,
) -> SecretData {
    let set = CertificateSet::read(data, now);
    assert_eq!(policy.due(&set, trusted, now).step, Some(step));
    policy.apply(step, set, now).unwrap()
}

/// Nothing is due. Returns when the next step may be due.
fn not_due(policy: &Policy, data: &SecretData, trusted: bool, now: SystemTime) -> SystemTime {
    let due = policy.due(&CertificateSet::read(data, now), trusted, now);
    assert_eq!(due.step, None);
    due.next.unwrap()
}

fn first_secret(policy: &Policy) -> SecretData {
    step(
        policy,
        &SecretData::default(),
        false,
        start(),
        Step::MakeAuthority,
    )
}

#[test]
fn an_empty_secret_is_filled_at_once() {
    let policy = policy(&["a.svc"]);
    let data = first_secret(&policy);
    let set = CertificateSet::read(&data, start());
    assert!(set.faults.is_empty() && set.is_written && set.serves_by_newest());
    for trusted in [true, false] {
        let next = not_due(&policy, &data, trusted, start());
        // Two thirds of the serving certificate's validity, which begins a little early.
        let due = next.duration_since(start()).unwrap();
        assert!(due < DAY * 60 && due > DAY * 59, "{due:?}");
    }
}

#[test]
fn a_serving_certificate_is_renewed_by_the_same_ca() {
    let policy = policy(&["a.svc"]);
    let first = first_secret(&policy);
    not_due(&policy, &first, true, start() + DAY * 59);
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
    not_due(&policy, &renewed, true, start() + DAY * 61);
}

#[test]
fn other_names_need_another_certificate() {
    let data = first_secret(&policy(&["a.svc", "10.0.0.1"]));
    not_due(&policy(&["10.0.0.1", "a.svc"]), &data, true, start());
    for names in [
        &["a.svc", "b.svc", "10.0.0.1"][..],
        &["10.0.0.1"],
        &["a.svc", "10.0.0.2"],
    ] {
        let policy = policy(names);
        let issued = step(&policy, &data, true, start(), Step::IssueServing);
        not_due(&policy, &issued, true, start());
    }
}

#[test]
fn a_new_ca_signs_only_after_it_was_trusted_for_the_overlap() {
    let policy = policy(&["a.svc"]);
    let now = start() + DAY * 50;
    let old = Policy {
        ca_lifetime: DAY * 75,
        ..policy.clone()
    };
    let first = first_secret(&old);
    let two = step(&old, &first, true, now + DAY, Step::MakeAuthority);
    assert!(two.ca_crt.ends_with(&first.ca_crt), "newest first");
    assert_eq!(
        (&two.tls_crt, &two.tls_key),
        (&first.tls_crt, &first.tls_key)
    );
    let now = now + DAY;
    not_due(&policy, &two, false, now);
    let noted = step(&policy, &two, true, now, Step::NoteTrust);
    let overlap = policy.overlap();
    assert_eq!(not_due(&policy, &noted, true, now), now + overlap);
    let lost = step(&policy, &noted, false, now, Step::ForgetTrust);
    assert_eq!(lost, two, "the overlap begins again");
    let third = step(&policy, &noted, true, now + overlap, Step::IssueServing);
    assert!(CertificateSet::read(&third, now + overlap).serves_by_newest());
    assert_eq!(third.ca_crt, two.ca_crt, "the old CA is trusted to its end");
    let end = start() + DAY * 75;
    let tidy = step(&policy, &third, true, end, Step::Tidy);
    assert!(third.ca_crt.starts_with(&tidy.ca_crt) && third.ca_crt != tidy.ca_crt);
}

#[test]
fn a_trusted_since_in_the_future_is_ignored() {
    let policy = policy(&["a.svc"]);
    let now = start() + DAY * 250;
    let mut data = first_secret(&Policy {
        serving_lifetime: DAY * 365,
        ..policy.clone()
    });
    data = step(&policy, &data, true, now, Step::MakeAuthority);
    data.trusted_since = Some(now + DAY);
    step(&policy, &data, true, now, Step::NoteTrust);
}

#[test]
fn an_expired_certificate_is_replaced_even_if_the_ca_is_not_trusted() {
    let policy = policy(&["a.svc"]);
    let data = first_secret(&policy);
    let later = start() + DAY * 91;
    let issued = step(&policy, &data, false, later, Step::IssueServing);
    assert_eq!(issued.ca_crt, data.ca_crt);
    let much_later = start() + DAY * 366;
    let made = step(&policy, &data, false, much_later, Step::MakeAuthority);
    assert!(!made.ca_crt.contains(&data.ca_crt));
    not_due(&policy, &made, false, much_later);
}

#[test]
fn a_shorter_lifetime_applies_to_existing_certificates() {
    let data = first_secret(&policy(&["a.svc"]));
    let shorter = Policy {
        serving_lifetime: DAY * 3,
        ..policy(&["a.svc"])
    };
    step(&shorter, &data, true, start() + DAY * 2, Step::IssueServing);
}

#[test]
fn refuses_invalid_names() {
    for name in ["", "a b", "a..b", "https://a"] {
        assert!(Policy::new(&[name.to_owned()], DAY, DAY).is_err(), "{name}");
    }
}
