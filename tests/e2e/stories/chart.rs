//! The chart, installed by the real Helm.

use serde_json::Value;

use crate::alone;
use crate::api;
use crate::bed::{Bed, poll};
use crate::guard::{Guard, NAME, NAMESPACE};
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[
    alone!(helm_test_sees_an_invalid_object_denied),
    alone!(an_upgrade_keeps_the_ca),
    alone!(it_fails_closed_and_a_namespace_can_be_deleted),
    alone!(an_uninstall_leaves_nothing),
];

fn helm_test_sees_an_invalid_object_denied(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    guard
        .helm("test rollout-guard --logs")
        .ok()
        .says("Succeeded")
        .says("the guard refused");
}

fn an_upgrade_keeps_the_ca(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    let before = (secret(guard), bundles(guard));
    guard.install(&["profile=guard", "commonLabels.team=shop"]);
    assert_eq!((secret(guard), bundles(guard)), before);
    // Two for each verb, and two for the controller's writes.
    assert_eq!(before.1.len(), 6, "{:?}", before.1);
    guard
        .helm("rollback rollout-guard --wait --timeout=45s")
        .ok();
    assert_eq!((secret(guard), bundles(guard)), before);
    // Helm was called with values that `install` does not know.
    guard.uninstall();
}

fn it_fails_closed_and_a_namespace_can_be_deleted(bed: &Bed) {
    let world = World::new(bed, "closed");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let closed = "webhook.validating.failurePolicy=Fail";
    bed.guard()
        .install(&["profile=guard", closed, "replicas=0"]);
    folder
        .kubectl("apply", "virtual-service.yaml")
        .fails()
        .says("failed calling webhook \"flows.validate.rollout-guard.io\"");
    // Neither the controller, whose writes skip the webhook by a condition, nor the deletion of the namespace is
    // blocked.
    world
        .kubectl("delete namespace closed --timeout=45s")
        .ok()
        .says("deleted");
}

/// The leader creates Secret and Lease again when they are deleted, but not after the release is uninstalled.
fn an_uninstall_leaves_nothing(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    guard.uninstall();
    poll("the last Pod to end", DEADLINE, &mut || {
        let pods = guard.kubectl("get pods -o name").ok().stdout;
        if pods.is_empty() { Ok(()) } else { Err(pods) }
    });
    let left = guard.kubectl(NAMESPACED).ok().stdout;
    let left: Vec<&str> = left
        .lines()
        .filter(|name| !["configmap/kube-root-ca.crt", "serviceaccount/default"].contains(name))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let left = guard.kubectl(CLUSTER_WIDE).ok().stdout;
    let left = left.lines().find(|name| name.contains(NAME));
    assert_eq!(left, None);
}

fn secret(guard: Guard<'_>) -> Value {
    let api = api::namespaced(&guard.bed.client, "Secret", NAMESPACE);
    let found = guard.bed.block_on(api::find(api, "rollout-guard-tls"));
    found.expect("the API server answers").expect("the Secret")["data"].take()
}

/// The caBundles of all webhooks in both configurations.
fn bundles(guard: Guard<'_>) -> Vec<String> {
    let kinds = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    let of = |kind: &str| {
        let api = api::cluster_wide(&guard.bed.client, kind);
        let found = guard.bed.block_on(api::find(api, NAME));
        let found = found.expect("the API server answers").expect(kind);
        let webhooks = api::list(&found, "/webhooks").iter();
        let bundles = webhooks.map(|hook| api::text(hook, "/clientConfig/caBundle").to_owned());
        bundles.collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of).collect()
}

const NAMESPACED: &str = "get secrets,leases,configmaps,services,deployments,replicasets,serviceaccounts,roles,\
    rolebindings,networkpolicies,poddisruptionbudgets,resourcequotas -o name";
const CLUSTER_WIDE: &str = "get mutatingwebhookconfigurations,validatingwebhookconfigurations,clusterroles,\
    clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings -o name";
