//! What a review costs among 10, 1,000 and 10,000 flows, and what `check` costs for 10,000 manifests.

// A benchmark ends where its set-up fails, and it writes the file it measures.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::format_push_string
)]

use std::path::PathBuf;

use divan::{Bencher, black_box};
use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::decide;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::model::Object;
use rollout_guard::request::Phase;
use rollout_guard::review::{parse, render};
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

/// The VirtualService of one flow is written again with another timeout.
#[divan::bench(args = [10, 1_000, 10_000])]
fn validate_a_virtual_service(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&virtual_service(7, "5s"), &virtual_service(7, "3s"));
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Validate, &cluster, &settings));
}

/// The same at the mutating endpoint.
#[divan::bench(args = [10, 1_000, 10_000])]
fn mutate_a_virtual_service(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&virtual_service(7, "5s"), &virtual_service(7, "3s"));
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Mutate, &cluster, &settings));
}

/// The Rollout of one flow is written again.
#[divan::bench(args = [10, 1_000, 10_000])]
fn validate_a_rollout(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&rollout(7), &rollout(7));
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Validate, &cluster, &settings));
}

/// What the webhook does with the bytes of a request.
fn answer(body: &[u8], phase: Phase, cluster: &Cluster, settings: &Settings) -> Vec<u8> {
    let request = parse(body, phase).expect("an AdmissionReview");
    render(&decide(request, cluster, settings)).expect("an answer")
}

/// Reading and judging 2,500 flows of four manifests in one file.
#[divan::bench(sample_count = 10)]
fn check_10_000_manifests(bencher: Bencher<'_, '_>) {
    let file = manifests_file();
    bencher.bench(|| {
        let manifests = Manifests::read(std::slice::from_ref(&file), "default");
        let manifests = manifests.expect("manifests");
        rollout_guard::cli::check(&manifests, &Settings::default(), true).errors()
    });
}

fn manifests_file() -> PathBuf {
    let documents = (0..2_500).flat_map(objects);
    let documents: Vec<String> = documents.map(|value| yaml(&value)).collect();
    let path =
        std::env::temp_dir().join(format!("rollout-guard-bench-{}.yaml", std::process::id()));
    std::fs::write(&path, documents.join("---\n")).expect("the manifests are written");
    path
}

fn cluster(flows: usize) -> Cluster {
    let mut cluster = Cluster::new(Mesh::default());
    for value in (0..flows).flat_map(objects) {
        cluster.apply(Object::parse(&value, "default").expect("a known kind"));
    }
    cluster
}

fn objects(flow: usize) -> [Value; 4] {
    [
        rollout(flow),
        virtual_service(flow, "3s"),
        destination_rule(flow),
        service(flow),
    ]
}

fn rollout(flow: usize) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name(flow), "namespace": namespace(flow)},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name(flow)}},
            "template": {"metadata": {"labels": {"app": name(flow)}}},
            "strategy": {"canary": {
                "trafficRouting": {"istio": {
                    "virtualService": {"name": name(flow), "routes": ["primary"]},
                    "destinationRule": {
                        "name": name(flow),
                        "canarySubsetName": "canary",
                        "stableSubsetName": "stable",
                    },
                }},
                "steps": [{"setWeight": 5}, {"pause": {}}],
            }},
        },
        "status": {"stableRS": "aaa", "currentPodHash": "bbb", "canary": {"weights": {
            "canary": {"weight": 5, "podTemplateHash": "bbb"},
            "stable": {"weight": 95, "podTemplateHash": "aaa"},
        }}},
    })
}

fn virtual_service(flow: usize, timeout: &str) -> Value {
    let host = format!("{}.{}.svc.cluster.local", name(flow), namespace(flow));
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name(flow), "namespace": namespace(flow)},
        "spec": {
            "hosts": [host],
            "http": [{
                "name": "primary",
                "timeout": timeout,
                "route": [
                    {"destination": {"host": host, "subset": "canary"}, "weight": 5},
                    {"destination": {"host": host, "subset": "stable"}, "weight": 95},
                ],
            }],
        },
    })
}

fn destination_rule(flow: usize) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name(flow), "namespace": namespace(flow)},
        "spec": {
            "host": name(flow),
            "subsets": [
                {"name": "canary", "labels": {"app": name(flow)}},
                {"name": "stable", "labels": {"app": name(flow)}},
            ],
        },
    })
}

fn service(flow: usize) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name(flow), "namespace": namespace(flow)},
        "spec": {"selector": {"app": name(flow)}, "ports": [{"port": 80}]},
    })
}

fn name(flow: usize) -> String {
    format!("app-{flow}")
}

/// Twenty flows to a namespace.
fn namespace(flow: usize) -> String {
    format!("ns-{}", flow / 20)
}

fn body(object: &Value, old_object: &Value) -> Vec<u8> {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let (group, kind) = (text("apiVersion"), text("kind"));
    let group = group.split('/').next().unwrap_or_default().to_owned();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "bench",
            "kind": {"group": group, "kind": kind},
            "operation": "UPDATE",
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "userInfo": {"username": "developer"},
            "object": object,
            "oldObject": old_object,
        },
    });
    serde_json::to_vec(&review).expect("JSON")
}

/// Block style, as people write it.
fn yaml(value: &Value) -> String {
    fn write(value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let nested = value.is_object() || value.is_array();
                    *out += &format!("{:indent$}{key}:{}", "", if nested { "\n" } else { " " });
                    write(value, indent + 2, out);
                }
            }
            Value::Array(items) => {
                for item in items {
                    let mut inner = String::new();
                    write(item, indent + 2, &mut inner);
                    *out += &format!("{:indent$}- {}", "", inner.trim_start());
                }
            }
            scalar => *out += &format!("{scalar}\n"),
        }
    }
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}
