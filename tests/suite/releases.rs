//! What people read of a finding that the rest of a release may end.

use rollout_guard::decide::decide;
use rollout_guard::review::render;
use serde_json::Value;
use std::path::Path;

use crate::fixture::Fixture;

#[test]
fn says_what_must_follow() {
    let response = respond("route-not-found/warn-pending.yaml");
    assert_eq!(
        response["warnings"][0],
        "RG202: pending: VirtualService default/app must follow in this release: Rollout default/app lists route \
             `beta`, which VirtualService default/app does not have"
    );
    assert_eq!(response["auditAnnotations"]["pending"], "RG202");
}

#[test]
fn says_in_a_dry_run_what_must_change_in_the_release() {
    let response = respond("route-not-found/warn-dry-run.yaml");
    assert_eq!(
        response["warnings"][0],
        "RG202: would be denied unless Rollout default/app changes in the same release: Rollout default/app lists \
             route `primary`, which VirtualService default/app does not have"
    );
    assert_eq!(response["auditAnnotations"]["dry-run"], "RG202");
}

/// The answer to the write of a rule's fixture.
fn respond(fixture: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixture = Fixture::read(&root.join("tests/rules").join(fixture));
    let decision = decide(fixture.request(), &fixture.cluster(), &fixture.settings);
    let body = render(&decision).expect("an answer is written");
    let mut review: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(review["response"]["allowed"], true, "{review:#}");
    review["response"].take()
}
