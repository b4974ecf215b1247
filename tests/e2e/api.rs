//! Objects as JSON, read directly from the API server, for checks that need more than what a user sees.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

/// The API resource of each kind that the stories read.
pub fn resource(kind: &str) -> ApiResource {
    let (group, version, plural) = match kind {
        "Rollout" => ("argoproj.io", "v1alpha1", "rollouts"),
        "Kustomization" => ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
        "Application" => ("argoproj.io", "v1alpha1", "applications"),
        "VirtualService" => ("networking.istio.io", "v1", "virtualservices"),
        "DestinationRule" => ("networking.istio.io", "v1", "destinationrules"),
        "Gateway" => ("networking.istio.io", "v1", "gateways"),
        "Service" => ("", "v1", "services"),
        "ConfigMap" => ("", "v1", "configmaps"),
        "Secret" => ("", "v1", "secrets"),
        "Pod" => ("", "v1", "pods"),
        "Event" => ("", "v1", "events"),
        "Namespace" => ("", "v1", "namespaces"),
        "Deployment" => ("apps", "v1", "deployments"),
        "ReplicaSet" => ("apps", "v1", "replicasets"),
        "EndpointSlice" => ("discovery.k8s.io", "v1", "endpointslices"),
        "Lease" => ("coordination.k8s.io", "v1", "leases"),
        "MutatingWebhookConfiguration" => (
            "admissionregistration.k8s.io",
            "v1",
            "mutatingwebhookconfigurations",
        ),
        "ValidatingWebhookConfiguration" => (
            "admissionregistration.k8s.io",
            "v1",
            "validatingwebhookconfigurations",
        ),
        "ValidatingAdmissionPolicy" => (
            "admissionregistration.k8s.io",
            "v1",
            "validatingadmissionpolicies",
        ),
        other => panic!("{other}: add this kind to tests/e2e/api.rs"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

pub fn namespaced(client: &Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(kind))
}

pub fn cluster_wide(client: &Client, kind: &str) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource(kind))
}

/// An object as the API server stores it.
pub fn json(object: &DynamicObject) -> Value {
    serde_json::to_value(object).expect("an object is JSON")
}

/// `None` if the object does not exist.
pub async fn find(api: Api<DynamicObject>, name: &str) -> Result<Option<Value>, kube::Error> {
    Ok(api.get_opt(name).await?.as_ref().map(json))
}

/// The text at a pointer such as `/spec/http/0/name`; empty if it does not exist.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The list at a pointer; empty if it does not exist.
pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}
