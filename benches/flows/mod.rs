//! Flows as in a cluster: a Rollout in mid-canary with its VirtualService, DestinationRule and Service each.

// Each of the benchmarks uses a part of it.
#![allow(dead_code)]

use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::model::Object;
use serde_json::{Value, json};

/// As many flows share a namespace.
pub const PER_NAMESPACE: usize = 20;
pub const USER: &str = "developer";
pub const CONTROLLER: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";

pub fn cluster(flows: usize) -> Cluster {
    let mut cluster = Cluster::new(Mesh::default());
    for value in (0..flows).flat_map(objects) {
        cluster.apply(Object::parse(&value, "default").expect("a known kind"));
    }
    cluster
}

pub fn objects(flow: usize) -> [Value; 4] {
    [
        rollout(flow),
        virtual_service(flow, "3s"),
        destination_rule(flow),
        service(flow),
    ]
}

pub fn rollout(flow: usize) -> Value {
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

pub fn virtual_service(flow: usize, timeout: &str) -> Value {
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

pub fn name(flow: usize) -> String {
    format!("app-{flow}")
}

pub fn namespace(flow: usize) -> String {
    format!("ns-{}", flow / PER_NAMESPACE)
}

/// The AdmissionReview of an UPDATE.
pub fn body(object: &Value, old_object: &Value, user: &str) -> Vec<u8> {
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
            "namespace": object.pointer("/metadata/namespace"),
            "name": object.pointer("/metadata/name"),
            "userInfo": {"username": user},
            "object": object,
            "oldObject": old_object,
        },
    });
    serde_json::to_vec(&review).expect("JSON")
}
