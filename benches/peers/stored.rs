//! The flows that the API server stores.

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::flows::{self, PER_NAMESPACE, name, namespace};

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

/// With pods of twenty environment variables, and with the text that Gatekeeper's and Kyverno's policies compare: the
/// host as routes name it.
fn objects(flow: usize) -> [Value; 4] {
    let [mut rollout, service, mut rule, selected] = flows::objects(flow);
    let variables: Vec<Value> = (0..20)
        .map(|number| json!({"name": format!("VARIABLE_{number}"), "value": format!("value-{number}")}))
        .collect();
    rollout["spec"]["template"]["spec"] =
        json!({"containers": [{"name": "app", "image": "example.com/app:1", "env": variables}]});
    rule["spec"]["host"] = service["spec"]["hosts"][0].clone();
    for (subset, hash) in ["bbb", "aaa"].into_iter().enumerate() {
        rule["spec"]["subsets"][subset]["labels"]["rollouts-pod-template-hash"] = hash.into();
    }
    [rollout, service, rule, selected]
}

/// The flow whose VirtualService is written again.
pub const MEASURED: usize = 7;
