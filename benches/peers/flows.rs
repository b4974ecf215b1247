//! Flows in mid-canary, twenty to a namespace, as teams write them: a Rollout, a VirtualService, a DestinationRule and
//! a Service.

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

/// Stores the flows of these numbers.
pub fn store(control_plane: &ControlPlane, flows: std::ops::Range<usize>) {
    let namespaces = (flows.start / PER_NAMESPACE)..flows.end.div_ceil(PER_NAMESPACE);
    let namespaces: Vec<Value> = namespaces
        .map(|number| {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("ns-{number}")}})
        })
        .collect();
    control_plane.apply(&namespaces);
    let flows: Vec<usize> = flows.collect();
    for some in flows.chunks(100) {
        let objects: Vec<Value> = some.iter().flat_map(|flow| objects(*flow)).collect();
        control_plane.apply(&objects);
    }
    // A canary at 5 %: the status is a subresource, which an apply does not write.
    let status = json!({"status": {
        "stableRS": "aaa", "currentPodHash": "bbb", "canary": {"weights": {
            "canary": {"weight": 5, "podTemplateHash": "bbb"},
            "stable": {"weight": 95, "podTemplateHash": "aaa"},
        }},
    }});
    let status = status.to_string();
    control_plane.must(&[
        "patch",
        "rollout",
        &name(MEASURED),
        "-n",
        &namespace(MEASURED),
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ]);
}

fn objects(flow: usize) -> [Value; 4] {
    [
        rollout(flow),
        virtual_service(flow),
        destination_rule(flow),
        service(flow),
    ]
}

fn rollout(flow: usize) -> Value {
    let variables: Vec<Value> = (0..20)
        .map(|number| json!({"name": format!("VARIABLE_{number}"), "value": format!("value-{number}")}))
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata(flow),
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name(flow)}},
            "template": {
                "metadata": {"labels": {"app": name(flow)}},
                "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": variables}]},
            },
            "strategy": {"canary": {
                "trafficRouting": {"istio": {
                    "virtualService": {"name": name(flow), "routes": ["primary"]},
                    "destinationRule": {
                        "name": name(flow), "canarySubsetName": "canary", "stableSubsetName": "stable",
                    },
                }},
                "steps": [{"setWeight": 5}, {"pause": {}}],
            }},
        },
    })
}

fn virtual_service(flow: usize) -> Value {
    let host = format!("{}.{}.svc.cluster.local", name(flow), namespace(flow));
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata(flow),
        "spec": {
            "hosts": [host],
            "http": [{
                "name": "primary",
                "timeout": "3s",
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
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata(flow),
        "spec": {
            "host": format!("{}.{}.svc.cluster.local", name(flow), namespace(flow)),
            "subsets": [
                {"name": "canary", "labels": {"app": name(flow), "rollouts-pod-template-hash": "bbb"}},
                {"name": "stable", "labels": {"app": name(flow), "rollouts-pod-template-hash": "aaa"}},
            ],
        },
    })
}

fn service(flow: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(flow),
        "spec": {"selector": {"app": name(flow)}, "ports": [{"port": 80}]},
    })
}

fn metadata(flow: usize) -> Value {
    json!({"name": name(flow), "namespace": namespace(flow), "labels": {"app": name(flow)}})
}

pub fn name(flow: usize) -> String {
    format!("app-{flow}")
}

pub fn namespace(flow: usize) -> String {
    format!("ns-{}", flow / PER_NAMESPACE)
}

/// The flow whose VirtualService is written again.
pub const MEASURED: usize = 7;
const PER_NAMESPACE: usize = 20;
