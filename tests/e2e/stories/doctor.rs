//! `doctor` on a real cluster: what it sees of the installed guard, and of what others add.

use serde_json::{Value, json};

use crate::api;
use crate::bed::{ADMIN, Bed};
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[shared!(it_sees_the_guard_and_what_others_add)];

fn it_sees_the_guard_and_what_others_add(bed: &Bed) {
    let world = World::new(bed, "doctor");
    world.start_canary(&SUBSET_LEVEL);
    let argo = bed.layout.argo_version();
    doctor(&world, "")
        .ok()
        .says("ok       api-server      the API server is v1.")
        .says(&format!("ok       rollout-crd     the CRD of Rollouts has the fields of {argo}"))
        .says("ok       field-managers  the controller's field manager is `rollouts-controller`")
        .says("ok       webhook         the webhook configurations include every write")
        .says("ok       webhook         Service rollout-guard/rollout-guard has 3 ready endpoints")
        .says("ok       certificates    the CA in `caBundle` is valid until ")
        .says("ok       certificates    the serving certificate in Secret rollout-guard/rollout-guard-tls is valid until ")
        .says("ok       reachable       rollout-guard denied an invalid Rollout in namespace default")
        .says("calls           ")
        .never_says("does not accept the certificate")
        .says("ok       other-webhooks  no other mutating webhook");

    world.kubectl("create -f -").input(others(&world)).ok();
    let seen = doctor(&world, "-o json").fails();
    let document: Value = serde_json::from_str(&seen.stdout).expect("JSON");
    let facts = document["facts"].as_array().expect("facts");
    let told = |level: &str, topic: &str, text: &str| {
        let mut facts = facts.iter();
        let found = facts.any(|fact| {
            fact["level"] == level
                && fact["topic"] == topic
                && api::text(fact, "/fact").contains(text)
        });
        assert!(found, "{level} {topic} {text}: {document:#}");
    };
    told(
        "error",
        "controller",
        "writes as `system:serviceaccount:doctor:other`",
    );
    told("warning", "argo-version", "runs Argo Rollouts v1.6.6");
    told(
        "note",
        "other-webhooks",
        "labels.doctor.example of doctor (VirtualService)",
    );
    world
        .kubectl("delete mutatingwebhookconfiguration doctor")
        .ok();
}

/// As the administrator. The image's binary leaves it out.
fn doctor(world: &World, words: &str) -> crate::command::Run {
    let binary = env!("CARGO_BIN_EXE_rollout-guard");
    world.as_user(ADMIN, binary, &format!("doctor {words}"))
}

/// A Deployment of another controller, without pods, and a webhook that changes VirtualServices of this namespace.
fn others(world: &World) -> String {
    let namespace = &world.namespace;
    let labels = json!({"app": "other"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": "other"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"serviceAccountName": "other",
                "containers": [{"name": "controller", "image": "quay.io/argoproj/argo-rollouts:v1.6.6"}]}}},
    });
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "doctor"},
        "webhooks": [{"name": "labels.doctor.example", "sideEffects": "None", "failurePolicy": "Ignore",
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{"apiGroups": ["networking.istio.io"], "apiVersions": ["*"],
                "resources": ["virtualservices"], "operations": ["CREATE", "UPDATE"]}]}],
    });
    json!({"apiVersion": "v1", "kind": "List", "items": [deployment, webhook]}).to_string()
}
