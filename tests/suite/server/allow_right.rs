//! The setting `allowAnnotation: authorized`: whose `allow` annotation counts, and what is asked of the API server.

use serde_json::{Value, json};

use super::api::{Api, Fault};
use super::live::{destination_rule, filled, rollout, virtual_service};
use super::process::eventually;
use super::{Server, recorded};

const ONCALL: &str = "oncall";
const SOMEBODY: &str = "somebody";

#[test]
fn the_annotation_counts_only_for_users_with_the_right() {
    let (api, server) = cluster("authorized");
    let object = allowing(virtual_service("v2"), "RG501");
    let answer = write(&server, "validate", ONCALL, &object);
    assert_eq!(answer["allowed"], true, "{answer}");
    assert!(
        answer["warnings"]
            .to_string()
            .contains("remove it afterwards"),
        "{answer}"
    );
    let attributes = json!({
        "group": "rollout-guard.io", "resource": "virtualservices", "verb": "allow",
        "namespace": "ns", "name": "reviews",
    });
    let question = json!({
        "user": ONCALL, "uid": "7", "groups": ["a", "b"], "extra": {"scopes": ["x"]},
        "resourceAttributes": attributes,
    });
    assert_eq!(api.questions(), [question]);

    for asked in 2..4 {
        let answer = write(&server, "validate", SOMEBODY, &object);
        assert_eq!(answer["allowed"], false, "{answer}");
        let message = answer["status"]["message"].as_str().unwrap();
        let missing = "it counts only from users who may `allow` `virtualservices.rollout-guard.io` in namespace \
                       `ns`, and user `somebody` may not: ask who grants roles there";
        assert!(message.contains(missing), "{message}");
        let warning = "rollout-guard: annotation rollout-guard.io/allow does not count: user `somebody` may not \
                       `allow` virtualservices.rollout-guard.io";
        assert_eq!(answer["warnings"], json!([warning]));
        assert_eq!(api.questions().len(), asked, "a refusal is not remembered");
    }
    write(&server, "validate", ONCALL, &object);
    assert_eq!(api.questions().len(), 3, "a right is remembered");
    assert_eq!(
        server.metric("rollout_guard_allow_rights_total{result=\"remembered\"}"),
        1
    );
}

#[test]
fn nothing_is_asked_where_the_annotation_changes_nothing() {
    let (api, server) = cluster("authorized");
    let harmless = allowing(virtual_service("v1"), "RG501");
    let answer = write(&server, "validate", SOMEBODY, &harmless);
    let reminder = "rollout-guard: annotation rollout-guard.io/allow lets `RG501` pass for users who may `allow` \
                    virtualservices.rollout-guard.io: remove it afterwards";
    assert_eq!(answer["warnings"], json!([reminder]));
    let of_another_rule = allowing(virtual_service("v2"), "RG202");
    for object in [virtual_service("v2"), of_another_rule] {
        let answer = write(&server, "validate", SOMEBODY, &object);
        assert_eq!(answer["allowed"], false, "{answer}");
        let message = answer["status"]["message"].as_str().unwrap();
        assert!(
            message.contains("it counts only from users who may"),
            "{message}"
        );
    }
    assert_eq!(api.questions(), Vec::<Value>::new());
}

#[test]
fn by_default_nobody_is_asked_about() {
    let (api, server) = cluster("anyone");
    let object = allowing(virtual_service("v2"), "RG501");
    let answer = write(&server, "validate", SOMEBODY, &object);
    assert_eq!(answer["allowed"], true, "{answer}");
    assert_eq!(api.questions(), Vec::<Value>::new());
}

#[test]
fn without_an_answer_the_denial_stands_and_without_time_the_write_passes() {
    let (api, server) = cluster("authorized");
    api.grant_allow(SOMEBODY);
    let object = allowing(virtual_service("v2"), "*");
    api.fail(Fault::FailQuestions(403));
    let answer = write(&server, "validate", SOMEBODY, &object);
    assert_eq!(answer["allowed"], false, "{answer}");
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("the API server did not tell whether user `somebody` may"),
        "{message}"
    );
    api.fail(Fault::Hang);
    let answer = write(&server, "validate?timeout=700ms", SOMEBODY, &object);
    assert_eq!(answer["allowed"], true, "{answer}");
    assert!(
        answer["warnings"].to_string().contains("in time"),
        "{answer}"
    );
    api.fail(Fault::None);
    assert_eq!(
        write(&server, "validate", SOMEBODY, &object)["allowed"],
        true
    );
}

#[test]
fn a_mutation_runs_for_users_without_the_right() {
    let (api, server) = cluster("authorized");
    api.apply(&rollout(
        &json!({"currentPodHash": "new", "stableRS": "old"}),
    ));
    eventually("the Rollout is known", || {
        server.metric("rollout_guard_objects{kind=\"Rollout\"}") == 1
    });
    let rule = allowing(destination_rule(&["v1", "v2"]), "hash-selectors");
    let answer = write(&server, "mutate", SOMEBODY, &rule);
    assert!(answer.get("patch").is_some(), "{answer}");
    let warnings = answer["warnings"].to_string();
    assert!(
        warnings.contains("may not `allow` destinationrules.rollout-guard.io"),
        "{warnings}"
    );
    let answer = write(&server, "mutate", ONCALL, &rule);
    assert!(answer.get("patch").is_none(), "{answer}");
    assert_eq!(api.questions().len(), 2);
    // Out of time the live values are kept.
    let mut old = rule.clone();
    old["spec"]["subsets"][1]["labels"]["rollouts-pod-template-hash"] = "live".into();
    api.fail(Fault::Hang);
    let answer = post(
        &server,
        "mutate?timeout=700ms",
        SOMEBODY,
        "UPDATE",
        &old,
        &rule,
    );
    assert!(answer.get("patch").is_some(), "{answer}");
}

/// A DELETE is spared by the annotation of the stored object, whoever has set it: the right is that of who deletes.
#[test]
fn a_deletion_needs_the_right_of_its_own_user() {
    let (api, server) = cluster("authorized");
    let status = json!({
        "currentPodHash": "new", "stableRS": "old", "canary": {"weights": {"canary": {"weight": 5}}},
    });
    api.apply(&rollout(&status));
    eventually("the Rollout is known", || {
        server.metric("rollout_guard_objects{kind=\"Rollout\"}") == 1
    });
    let rule = allowing(destination_rule(&["v1", "v2"]), "RG701");
    let delete = |user| post(&server, "validate", user, "DELETE", &rule, &Value::Null);
    assert_eq!(delete(SOMEBODY)["allowed"], false);
    assert_eq!(delete(ONCALL)["allowed"], true);
}

#[test]
fn on_manifests_the_annotation_counts_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder, "authorized");
    let server = Server::with(&recorded("cluster.yaml"), &[&config]);
    let object = allowing(virtual_service("v2"), "RG501");
    let answer = write(&server, "validate", SOMEBODY, &object);
    assert_eq!(answer["allowed"], true, "{answer}");
    let warnings = answer["warnings"].to_string();
    assert!(
        warnings.contains("whether the user may use it is not asked here"),
        "{warnings}"
    );
}

/// A cluster whose rule has the subset `v1`, a user on call who may use the annotation, and a guard.
fn cluster(allow_annotation: &str) -> (Api, Server) {
    let api = filled();
    api.grant_allow(ONCALL);
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder, allow_annotation);
    let server = Server::of_cluster_with(&api.kubeconfig(), &[&config]);
    eventually("it is ready", || server.get("/readyz").0 == 200);
    (api, server)
}

fn config(folder: &tempfile::TempDir, allow_annotation: &str) -> String {
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, format!("allowAnnotation: {allow_annotation}\n")).unwrap();
    format!("--config={}", file.display())
}

fn allowing(mut object: Value, words: &str) -> Value {
    object["metadata"]["annotations"] = json!({"rollout-guard.io/allow": words});
    object
}

/// The answer to the first update by which the object becomes what it is.
fn write(server: &Server, endpoint: &str, user: &str, object: &Value) -> Value {
    let mut old = object.clone();
    if object["kind"] == "VirtualService" {
        old["spec"] = virtual_service("v1")["spec"].clone();
    }
    post(server, endpoint, user, "UPDATE", &old, object)
}

fn post(
    server: &Server,
    endpoint: &str,
    user: &str,
    operation: &str,
    old: &Value,
    object: &Value,
) -> Value {
    let user =
        json!({"username": user, "uid": "7", "groups": ["a", "b"], "extra": {"scopes": ["x"]}});
    let request = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": operation, "namespace": "ns", "name": old["metadata"]["name"],
        "kind": {"group": "networking.istio.io", "version": "v1", "kind": old["kind"]},
        "userInfo": user, "object": object, "oldObject": old}});
    let (status, body) = server.post(endpoint, request.to_string().as_bytes());
    assert_eq!(status, 200);
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    answer["response"].take()
}
