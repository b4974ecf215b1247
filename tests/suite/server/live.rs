//! The webhook in front of a live cluster: what it watches, what it reads again, and that outdated objects
//! never deny.

use std::process::Command;

use serde_json::{Value, json};

use super::api::{ARGO, Api, Fault, ISTIO};
use super::process::eventually;
use super::{Server, recordings};

#[test]
fn outdated_objects_never_deny() {
    let (api, server) = cluster();
    denied(&server, &virtual_service("v2"));
    // The subset was added a moment ago, and no watch has told of it.
    api.apply_unheard(&destination_rule(&["v1", "v2"]));
    allowed(&server, &virtual_service("v2"));
    api.apply_unheard(&destination_rule(&["v1"]));
    denied(&server, &virtual_service("v2"));
    // Another rule of the same host, of which no watch has told yet.
    let mut other = destination_rule(&["v2"]);
    other["metadata"]["name"] = "reviews-more".into();
    api.apply_unheard(&other);
    allowed(&server, &virtual_service("v2"));
    assert!(server.metric("rollout_guard_live_reads_total{result=\"found\"}") > 0);
}

#[test]
fn a_namespace_of_many_pages_is_read_again_whole() {
    let (api, server) = cluster();
    for number in 0..1_000 {
        let mut other = destination_rule(&["v1"]);
        other["metadata"]["name"] = format!("other-{number}").into();
        other["spec"]["host"] = format!("other-{number}").into();
        api.apply_unheard(&other);
    }
    denied(&server, &virtual_service("v2"));
    // On the third page of 500.
    let mut last = destination_rule(&["v2"]);
    last["metadata"]["name"] = "reviews-more".into();
    api.apply_unheard(&last);
    allowed(&server, &virtual_service("v2"));
}

/// The Namespace, and the DestinationRules of two namespaces: what a list shows is not read by itself too.
#[test]
fn a_denial_takes_three_reads() {
    let (_api, server) = cluster();
    denied(&server, &virtual_service("v2"));
    assert_eq!(reads(&server), 3);
}

#[test]
fn what_cannot_be_read_again_does_not_deny() {
    let (api, server) = cluster();
    api.fail(Fault::FailReads(500));
    let answer = review(&server, "validate", &virtual_service("v2"));
    assert_eq!(answer["allowed"], true, "{answer}");
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("could not be read"), "{warning}");
    api.fail(Fault::None);
    denied(&server, &virtual_service("v2"));
}

#[test]
fn a_connection_that_breaks_while_it_is_read_again_lets_nothing_pass() {
    let (api, server) = cluster();
    api.fail(Fault::BreakReads(2));
    denied(&server, &virtual_service("v2"));
}

#[test]
fn the_label_of_the_namespace_is_read_live() {
    let (api, server) = cluster();
    denied(&server, &virtual_service("v2"));
    api.apply_unheard(&namespace("off"));
    let answer = review(&server, "validate", &virtual_service("v2"));
    assert_eq!(answer["allowed"], true, "{answer}");
    api.apply_unheard(&namespace("observe"));
    let answer = review(&server, "validate", &virtual_service("v2"));
    assert_eq!(answer["allowed"], true, "{answer}");
    assert!(answer["warnings"][0].as_str().unwrap().contains("RG501"));
}

#[test]
fn an_unknown_label_of_the_namespace_is_reported() {
    let (api, server) = cluster();
    api.apply(&namespace("gaurd"));
    let counted = || server.metric("rollout_guard_unknown_enforce_labels_total");
    let warning = "rollout-guard: label rollout-guard.io/enforce of namespace `ns` has the unknown value \
                   `gaurd`, so profile `guard` applies; did you mean `guard`?";
    eventually("the label is known", || {
        let answer = review(&server, "validate", &virtual_service("v1"));
        answer["warnings"] == json!([warning])
    });
    denied(&server, &virtual_service("v2"));
    let reviews = counted();
    assert!(reviews > 1, "{reviews}");
    let log = server.log();
    let logged = log.iter().filter(|line| line.contains("unknown value"));
    assert_eq!(logged.count(), 1, "{log:?}");
}

#[test]
fn watches_go_on_after_they_are_cut() {
    let (api, server) = cluster();
    api.cut_watches();
    api.apply(&service("more"));
    eventually("the second Service is known", || {
        server.metric("rollout_guard_objects{kind=\"Service\"}") == 2
    });
}

#[test]
fn crds_come_and_go() {
    let api = Api::start(&[]);
    api.apply(&namespace("guard"));
    let server = Server::of_cluster(&api.kubeconfig());
    eventually("it is ready", || server.get("/readyz").0 == 200);
    allowed(&server, &virtual_service("v2"));
    api.serve_groups(&[ARGO, ISTIO]);
    api.apply(&destination_rule(&["v1"]));
    eventually("the rule is known", || rules(&server) == 1);
    denied(&server, &virtual_service("v2"));
    api.serve_groups(&[]);
    eventually("the rule is forgotten", || rules(&server) == 0);
    allowed(&server, &virtual_service("v2"));
    api.serve_groups(&[ARGO, ISTIO]);
    api.apply(&destination_rule(&["v1"]));
    eventually("the rule is known again", || rules(&server) == 1);
}

#[test]
fn a_patch_follows_the_status_that_is_true_now() {
    let (api, server) = cluster();
    api.apply(&rollout(&json!({})));
    eventually("the Rollout is known", || {
        server.metric("rollout_guard_objects{kind=\"Rollout\"}") == 1
    });
    let rule = destination_rule(&["v1", "v2"]);
    let patch = |answer: &Value| answer.get("patch").is_some();
    assert!(!patch(&review(&server, "mutate", &rule)));
    let status = json!({"currentPodHash": "new", "stableRS": "old"});
    api.apply_unheard(&rollout(&status));
    let answer = review(&server, "mutate", &rule);
    assert!(patch(&answer), "{answer}");
    // What cannot be read gives no hash.
    api.fail(Fault::FailReads(500));
    let answer = review(&server, "mutate", &rule);
    assert!(!patch(&answer), "{answer}");
    assert_eq!(answer["allowed"], true);
}

/// A write with the live hashes in it gets no patch, whatever the Rollout says.
#[test]
fn what_no_status_can_change_is_not_read() {
    let (api, server) = cluster();
    api.apply(&rollout(
        &json!({"currentPodHash": "new", "stableRS": "old"}),
    ));
    eventually("the Rollout is known", || {
        server.metric("rollout_guard_objects{kind=\"Rollout\"}") == 1
    });
    let mut rule = destination_rule(&["v1", "v2"]);
    for subset in rule["spec"]["subsets"].as_array_mut().unwrap() {
        subset["labels"]["rollouts-pod-template-hash"] = "live".into();
    }
    let answer = review(&server, "mutate", &rule);
    assert!(answer.get("patch").is_none(), "{answer}");
    assert_eq!(reads(&server), 0);
    let mut bare = rule.clone();
    bare["spec"] = destination_rule(&["v1", "v2"])["spec"].clone();
    let answer = update(&server, "mutate", &rule, &bare);
    assert!(answer.get("patch").is_some(), "{answer}");
    assert_eq!(reads(&server), 1);
}

/// The API server sent the live object with the write: that much is kept without asking it again.
#[test]
fn what_is_not_read_in_time_costs_no_hash() {
    let (api, server) = cluster();
    let status = json!({"currentPodHash": "new", "stableRS": "old"});
    api.apply(&rollout(&status));
    eventually("the Rollout is known", || {
        server.metric("rollout_guard_objects{kind=\"Rollout\"}") == 1
    });
    let rule = destination_rule(&["v1", "v2"]);
    let mut old = rule.clone();
    old["spec"]["subsets"][1]["labels"]["rollouts-pod-template-hash"] = "live".into();
    api.fail(Fault::HangReads);
    let answer = update(&server, "mutate?timeout=700ms", &old, &rule);
    assert!(answer.get("patch").is_some(), "{answer}");
    let answer = review(&server, "validate?timeout=700ms", &virtual_service("v2"));
    assert_eq!(answer["allowed"], true, "{answer}");
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("in time"), "{warning}");
    api.fail(Fault::None);
    denied(&server, &virtual_service("v2"));
}

/// The folder holds what was read of the live cluster for the answer, and gives that answer again.
#[test]
fn a_recorded_denial_is_given_again() {
    let api = filled();
    let kept = tempfile::tempdir().unwrap();
    let record = format!("--record={}", kept.path().display());
    let server = Server::of_cluster_with(&api.kubeconfig(), &[&record]);
    eventually("it is ready", || server.get("/readyz").0 == 200);
    let mut other = destination_rule(&["v3"]);
    other["metadata"]["name"] = "reviews-more".into();
    other["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    api.apply_unheard(&other);
    let sent = review(&server, "validate", &virtual_service("v2"));
    let folder = recordings(kept.path(), 1).remove(0);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let said: Value = serde_json::from_str(&read("response.json")).unwrap();
    assert_eq!(said["response"], sent);
    let stored = read("cluster.json");
    for kind in ["\"Namespace\"", "\"Service\"", "\"reviews-more\""] {
        assert!(stored.contains(kind), "{stored}");
    }
    assert!(!stored.contains("managedFields"), "{stored}");
    let again = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
        .args(["review", "--manifests", "cluster.json", "review.json"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again, said);
}

#[test]
fn check_reads_a_live_cluster_once() {
    let api = filled();
    api.apply(&virtual_service("v2"));
    let check = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
        command.args(["check", "--cluster", "--output=json", "--kubeconfig"]);
        let output = command.arg(api.kubeconfig()).args(flags).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), report)
    };
    let (code, report) = check(&[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        report["summary"],
        json!({"errors": 1, "warnings": 0, "objects": 4})
    );
    let found = &report["findings"][0];
    assert_eq!(found["code"], "RG501");
    assert_eq!(found["kind"], "VirtualService");
    assert_eq!(found.get("file").or(found.get("line")), None, "{found}");
    let (code, report) = check(&["--namespace=elsewhere"]);
    assert_eq!((code, &report["summary"]["objects"]), (Some(0), &json!(0)));
    api.apply(&namespace("off"));
    assert_eq!(check(&[]).0, Some(0));
    api.serve_groups(&[]);
    assert_eq!(
        check(&[]).0,
        Some(0),
        "without CRDs there is nothing to find"
    );
}

/// A cluster with one host, whose rule has the subset `v1`, and a guard that knows it.
fn cluster() -> (Api, Server) {
    let api = filled();
    let server = Server::of_cluster(&api.kubeconfig());
    eventually("it is ready", || server.get("/readyz").0 == 200);
    assert_eq!(rules(&server), 1);
    (api, server)
}

pub fn filled() -> Api {
    let api = Api::start(&[ARGO, ISTIO]);
    api.apply(&namespace("guard"));
    api.apply(&service("reviews"));
    api.apply(&destination_rule(&["v1"]));
    api
}

fn rules(server: &Server) -> u64 {
    server.metric("rollout_guard_objects{kind=\"DestinationRule\"}")
}

/// How many requests the reads of reviews have taken.
fn reads(server: &Server) -> u64 {
    let results = ["found", "missing", "listed", "failed"];
    let count = |result| {
        server.metric(&format!(
            "rollout_guard_live_reads_total{{result=\"{result}\"}}"
        ))
    };
    results.into_iter().map(count).sum()
}

fn denied(server: &Server, object: &Value) {
    let answer = review(server, "validate", object);
    assert_eq!(answer["allowed"], false, "{answer}");
}

fn allowed(server: &Server, object: &Value) {
    let answer = review(server, "validate", object);
    assert_eq!(answer["allowed"], true, "{answer}");
    assert_eq!(answer["status"].get("code"), None);
}

/// The answer to an update by which the object becomes what it is.
fn review(server: &Server, endpoint: &str, object: &Value) -> Value {
    let mut old = object.clone();
    old["spec"] = match object["kind"].as_str() {
        Some("VirtualService") => virtual_service("v1")["spec"].clone(),
        _ => object["spec"].clone(),
    };
    update(server, endpoint, &old, object)
}

pub fn update(server: &Server, endpoint: &str, old: &Value, object: &Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap();
    let (group, version) = api_version.split_once('/').unwrap();
    let request = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "UPDATE", "namespace": "ns", "name": object["metadata"]["name"],
        "kind": {"group": group, "version": version, "kind": object["kind"]},
        "userInfo": {"username": "somebody"}, "object": object, "oldObject": old}});
    let (status, body) = server.post(endpoint, request.to_string().as_bytes());
    assert_eq!(status, 200);
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    answer["response"].take()
}

pub fn namespace(enforce: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace",
           "metadata": {"name": "ns", "labels": {"rollout-guard.io/enforce": enforce}}})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "ns", "name": name},
           "spec": {"selector": {"app": "reviews"}, "ports": [{"port": 80}]}})
}

pub fn destination_rule(subsets: &[&str]) -> Value {
    let subset = |name| json!({"name": name, "labels": {"app": "reviews"}});
    let subsets: Vec<Value> = subsets.iter().map(subset).collect();
    json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
           "metadata": {"namespace": "ns", "name": "reviews"},
           "spec": {"host": "reviews", "subsets": subsets}})
}

pub fn virtual_service(subset: &str) -> Value {
    let route = json!({"destination": {"host": "reviews", "subset": subset}});
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
           "metadata": {"namespace": "ns", "name": "reviews"},
           "spec": {"hosts": ["reviews"], "http": [{"name": "primary", "route": [route]}]}})
}

pub fn rollout(status: &Value) -> Value {
    let istio = json!({"virtualService": {"name": "reviews", "routes": ["primary"]},
        "destinationRule": {"name": "reviews", "canarySubsetName": "v2", "stableSubsetName": "v1"}});
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
           "metadata": {"namespace": "ns", "name": "reviews"},
           "spec": {"selector": {"matchLabels": {"app": "reviews"}},
                    "template": {"metadata": {"labels": {"app": "reviews"}}},
                    "strategy": {"canary": {"trafficRouting": {"istio": istio}}}},
           "status": status})
}
