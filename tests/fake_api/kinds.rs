//! The kinds that CRDs add, and the path of an object.

use serde_json::{Value, json};

pub const ARGO: &str = "argoproj.io";
pub const ISTIO: &str = "networking.istio.io";

/// Kind, plural, group.
const KINDS: [(&str, &str, &str); 9] = [
    ("Rollout", "rollouts", ARGO),
    ("AnalysisTemplate", "analysistemplates", ARGO),
    (CLUSTER_WIDE, "clusteranalysistemplates", ARGO),
    ("VirtualService", "virtualservices", ISTIO),
    ("DestinationRule", "destinationrules", ISTIO),
    ("ServiceEntry", "serviceentries", ISTIO),
    ("Gateway", "gateways", ISTIO),
    ("PolicyReport", "policyreports", "wgpolicyk8s.io"),
    ("Report", "reports", "openreports.io"),
];

/// The only kind without a namespace.
const CLUSTER_WIDE: &str = "ClusterAnalysisTemplate";

pub(super) fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]);
    let plural = match KINDS.iter().find(|(known, ..)| *known == kind) {
        Some((_, plural, _)) => (*plural).to_owned(),
        None => format!("{}s", kind.to_lowercase()),
    };
    let version = match text(&object["apiVersion"]) {
        core if core == "v1" => "/api/v1".to_owned(),
        version => format!("/apis/{version}"),
    };
    let metadata = &object["metadata"];
    let name = text(&metadata["name"]);
    match text(&metadata["namespace"]) {
        none if none.is_empty() => format!("{version}/{plural}/{name}"),
        namespace => format!("{version}/namespaces/{namespace}/{plural}/{name}"),
    }
}

/// The group whose CRDs define the kind; `None` for built-in kinds.
pub(super) fn group_of(plural: &str) -> Option<&'static str> {
    let kind = KINDS.iter().find(|(_, other, _)| *other == plural);
    kind.map(|(_, _, group)| *group)
}

/// The answer to `GET /apis`.
pub(super) fn groups(groups: &[&str]) -> Value {
    let group = |group: &&str| {
        let version = version_of(group);
        let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        json!({"name": group, "versions": [version], "preferredVersion": version})
    };
    let groups: Vec<Value> = groups.iter().map(group).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// The answer to `GET /apis/GROUP/VERSION`.
pub(super) fn resources(group: &str, version: &str) -> Value {
    let kinds = KINDS.iter().filter(|(_, _, of)| *of == group);
    let resources: Vec<Value> = kinds
        .map(|(kind, plural, _)| {
            json!({"name": plural, "singularName": "", "namespaced": *kind != CLUSTER_WIDE, "kind": kind,
                   "verbs": ["get", "list", "watch"]})
        })
        .collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1",
           "groupVersion": format!("{group}/{version}"), "resources": resources})
}

fn version_of(group: &str) -> &'static str {
    if group == ARGO { "v1alpha1" } else { "v1" }
}
