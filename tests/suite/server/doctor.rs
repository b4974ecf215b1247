//! `doctor` on clusters that an API server in memory serves.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::api::{ARGO, Api, Fault, ISTIO};
use super::doctor_objects::{
    controller, core_dns, crd, guard, istiod, metrics, namespace, rollout, virtual_service,
};
use crate::expected;

#[test]
fn tells_facts_with_their_meaning_and_what_to_do() {
    let shown = [
        ("healthy", doctor(&healthy(), &[], 0)),
        ("broken", doctor(&broken(), &[], 1)),
        ("not-installed", doctor(&Api::start(&[ARGO]), &[], 1)),
        ("forbidden", {
            let api = healthy();
            api.fail(Fault::FailReads(403));
            doctor(&api, &[], 0)
        }),
    ];
    expected::snapshots("tests/doctor", &BTreeMap::from(shown));
}

#[test]
fn programs_read_the_same_facts() {
    let api = broken();
    let text = doctor(&api, &["-o", "json"], 1);
    let document: Value = serde_json::from_str(&text).unwrap();
    let facts = document["facts"].as_array().unwrap();
    let lines = doctor(&api, &[], 1);
    for fact in facts {
        let [level, topic, fact_text] =
            ["level", "topic", "fact"].map(|key| fact[key].as_str().unwrap());
        let found = lines.lines().any(|line| {
            line.starts_with(level)
                && line.contains(&format!(" {topic} "))
                && line.contains(fact_text)
        });
        assert!(found, "{fact}");
    }
    let errors = facts.iter().filter(|fact| fact["level"] == "error").count();
    assert_eq!(document["summary"]["errors"], errors);
    assert!(errors > 5, "{document:#}");
}

#[test]
fn without_an_api_server_it_ends_with_2() {
    let api = healthy();
    api.fail(Fault::Refuse);
    let output = run(&api, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: the API server cannot be asked: "),
        "{said}"
    );
}

#[test]
fn a_settings_file_replaces_the_installed_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, "controllerUsers: [somebody]\n").unwrap();
    let text = doctor(&healthy(), &["--config", file.to_str().unwrap()], 1);
    assert!(
        text.contains("which `controllerUsers` does not list"),
        "{text}"
    );
}

#[test]
fn an_accepted_dry_run_is_an_error_and_a_warning_enough_where_nothing_is_denied() {
    let api = healthy();
    api.answer_dry_runs(201, Value::Null);
    let text = doctor(&api, &[], 1);
    assert!(text.contains("error    reachable"), "{text}");
    api.apply(&namespace(
        "default",
        &json!({"rollout-guard.io/enforce": "observe"}),
    ));
    api.warn("/namespaces/default/rollouts", "RG103: would deny");
    let text = doctor(&api, &[], 0);
    assert!(
        text.contains("rollout-guard warned of an invalid Rollout"),
        "{text}"
    );
}

#[test]
fn names_in_the_cluster_cannot_forge_lines() {
    let api = Api::start(&[ARGO]);
    let status = json!({"f:status": {"f:phase": {}}});
    api.apply(&rollout("shop", "a\nerror    forged", &status));
    let text = doctor(&api, &[], 1);
    assert!(text.contains("written as `a\\nerror    forged`"), "{text}");
}

/// Standard output, of a run that ends with this code.
fn doctor(api: &Api, flags: &[&str], code: i32) -> String {
    let output = run(api, flags);
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}{said}");
    text
}

fn run(api: &Api, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    command
        .args(["doctor", "--kubeconfig"])
        .arg(api.kubeconfig());
    command.args(flags).output().unwrap()
}

/// A cluster in which all is as rollout-guard assumes.
fn healthy() -> Api {
    let api = Api::start(&[ARGO, ISTIO]);
    api.serve_text("/version", r#"{"gitVersion": "v1.34.5", "minor": "34"}"#);
    api.serve_text("/metrics", &metrics(41, 0));
    api.answer_dry_runs(
        422,
        json!({"message": "… [rollout-guard RG103 duplicate-services]"}),
    );
    for name in ["default", "shop", "argo-rollouts"] {
        api.apply(&namespace(name, &json!({})));
    }
    api.apply(&crd(true));
    api.apply(&controller(
        "quay.io/argoproj/argo-rollouts:v1.10.1",
        "argo-rollouts",
        &["--istio-api-version=v1"],
    ));
    api.apply(&istiod("istio-system"));
    api.apply(&core_dns("cluster.local"));
    let status = json!({"f:status": {"f:phase": {}}});
    api.apply(&rollout("shop", "rollouts-controller", &status));
    api.apply(&virtual_service("kubectl-client-side-apply", "Update"));
    guard(&api, 2100, "");
    api
}

/// A cluster in which nothing is.
fn broken() -> Api {
    let api = Api::start(&[ARGO, ISTIO]);
    api.serve_text("/version", r#"{"gitVersion": "v1.28.3", "minor": "28+"}"#);
    api.serve_text("/metrics", &metrics(41, 3));
    api.warn(
        "/virtualservices",
        "networking.istio.io/v1 VirtualService is deprecated",
    );
    api.apply(&namespace(
        "default",
        &json!({"rollout-guard.io/enforce": "off"}),
    ));
    api.apply(&namespace(
        "shop",
        &json!({"rollout-guard.io/enforce": "off"}),
    ));
    api.apply(&namespace(
        "trial",
        &json!({"rollout-guard.io/enforce": "observe"}),
    ));
    api.apply(&crd(false));
    api.apply(&controller(
        "registry.example/argo-rollouts:v1.8.3@sha256:0",
        "rollouts",
        &[],
    ));
    api.apply(&istiod("mesh"));
    api.apply(&core_dns("corp.example"));
    for namespace in ["shop", "trial"] {
        api.apply(&rollout(namespace, "manager", &json!({})));
    }
    api.apply(&virtual_service("helm", "Apply"));
    guard(
        &api,
        2020,
        "mutations: {shared-ownership: off}\nprofile: observe\n",
    );
    api.apply(
        &json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "rollout-guard", "name": "rollout-guard",
            "labels": {"kubernetes.io/service-name": "rollout-guard"}},
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}]}),
    );
    let rules = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}]);
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        api.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "policies"}, "webhooks": [{"name": "all.policies.example", "rules": rules}]}));
    }
    let ours = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/rollout-guard";
    let mut configuration = api.object(ours).unwrap();
    configuration["webhooks"][0]["reinvocationPolicy"] = "Never".into();
    configuration["webhooks"][0]["rules"][0]["operations"] = json!(["CREATE"]);
    api.put(ours, configuration);
    api
}
