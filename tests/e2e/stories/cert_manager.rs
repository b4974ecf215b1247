//! The chart's `certificates.mode=certManager` with cert-manager's own controllers and cainjector.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::alone;
use crate::api::{list, text};
use crate::bed::{Bed, poll};
use crate::cert_manager::CertManager;
use crate::flow::start_canaries;
use crate::guard::NAMESPACE;
use crate::load::Load;
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[alone!(certificates_come_from_cert_manager)];

fn certificates_come_from_cert_manager(bed: &Bed) {
    let world = World::new(bed, "cert-manager-mode");
    let guard = bed.guard();
    let manager = CertManager::start(bed);
    guard.install(&[
        "profile=guard",
        "certificates.mode=certManager",
        "certificates.certManager.duration=1h",
        "certificates.certManager.renewBefore=30m",
    ]);
    manager.until_issued(SERVING, 1);
    until_injected(bed, &manager.authority(SERVING));
    for resource in ["secrets", "mutatingwebhookconfigurations"] {
        let account = format!("--as=system:serviceaccount:{NAMESPACE}:rollout-guard");
        guard
            .kubectl(&format!("auth can-i patch {resource} {account}"))
            .fails();
    }

    start_canaries(&world);
    let refused = refused_handshakes(bed);
    Load::on(&world, |load| {
        let report = load.during_fault("certificates renewed by cert-manager", DEADLINE, || {
            for _ in 0..if bed.long { 20 } else { 4 } {
                until_served(bed, &manager.renew(SERVING));
            }
        });
        assert_eq!(report.failed_open, Vec::<String>::new());
        assert_eq!(report.unguarded, 0);
        // The CA keeps its key, so that certificates of before stay valid.
        let report = load.during_fault("the CA renewed by cert-manager", DEADLINE, || {
            let before = manager.authority(SERVING);
            manager.renew(AUTHORITY);
            until_served(bed, &manager.renew(SERVING));
            let now = manager.authority(SERVING);
            assert_ne!(now, before);
            until_injected(bed, &now);
        });
        assert_eq!(report.failed_open, Vec::<String>::new());
        assert_eq!(report.unguarded, 0);
    });
    assert_eq!(refused_handshakes(bed), refused);
    guard.never_panicked();
}

/// Waits until cainjector has added the CA to the bundle of each webhook; it keeps those of before.
fn until_injected(bed: &Bed, authority: &str) {
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        poll(&format!("the CA in the {kind}"), DEADLINE, &mut || {
            let words = format!("get {kind} rollout-guard -o json");
            let found = bed.guard().kubectl(&words).ok();
            let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
            let bundles = list(&found, "/webhooks").iter();
            let bundles = bundles.map(|hook| decoded(text(hook, "/clientConfig/caBundle")));
            let bundles: Vec<String> = bundles.collect();
            let has = |bundle: &String| bundle.contains(decoded(authority).trim());
            if bundles.iter().all(has) {
                Ok(())
            } else {
                Err(bundles.join(""))
            }
        });
    }
}

fn decoded(base64: &str) -> String {
    let bytes = BASE64.decode(base64).expect("base64");
    String::from_utf8(bytes).expect("PEM")
}

/// Waits until all Pods serve the certificate that expires when this one does.
fn until_served(bed: &Bed, certificate: &Value) {
    let expiry: Timestamp = text(certificate, "/status/notAfter")
        .parse()
        .expect("a time");
    poll("the new certificate in all Pods", DEADLINE, &mut || {
        let served = metric(bed, "rollout_guard_certificate_expiry_timestamp_seconds ");
        let expected = vec![expiry.as_second(); 3];
        if served == expected {
            Ok(())
        } else {
            Err(format!("{served:?}, not {expected:?}"))
        }
    });
}

fn refused_handshakes(bed: &Bed) -> i64 {
    metric(bed, "rollout_guard_refused_handshakes_total{")
        .iter()
        .sum()
}

/// The values of the series with this start, of all Pods.
fn metric(bed: &Bed, start: &str) -> Vec<i64> {
    let metrics = bed.guard().metrics();
    let lines = metrics.iter().flat_map(|(_, text)| text.lines());
    let of = lines.filter(|line| line.starts_with(start));
    of.filter_map(|line| line.rsplit(' ').next()?.trim().parse().ok())
        .collect()
}

const SERVING: &str = "rollout-guard-serving";
const AUTHORITY: &str = "rollout-guard-ca";
