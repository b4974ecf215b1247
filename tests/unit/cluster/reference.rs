//! How the name of a VirtualService in a Rollout is split.

use super::*;

fn rollout() -> Key {
    Key::new(Kind::Rollout, "ns", "app")
}

#[test]
fn splits_a_reference_at_its_last_dot() {
    let full = |name| virtual_service_key(name, &rollout(), ArgoVersion::NEWEST).full_name();
    assert_eq!(full("vs"), "ns/vs");
    assert_eq!(full("vs.prod"), "prod/vs");
    assert_eq!(full("my.vs.prod"), "prod/my.vs");
    assert_eq!(full("vs.prod.cluster.local"), "prod/vs");
    assert_eq!(full("vs.prod.svc.cluster.local"), "svc/vs.prod");
}

#[test]
fn splits_a_reference_at_its_first_dots_before_1_10() {
    let full = |name| virtual_service_key(name, &rollout(), ArgoVersion(1, 9)).full_name();
    assert_eq!(full("vs"), "ns/vs");
    assert_eq!(full("vs."), "ns/vs");
    assert_eq!(full("vs.prod"), "prod/vs");
    assert_eq!(full("my.vs.prod"), "vs/my");
    assert_eq!(full("vs.prod.svc.cluster.local"), "prod/vs");
}
