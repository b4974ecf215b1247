//! The objects of the clusters that `doctor` looks at.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rollout_guard::pki::{Authority, Validity};
use serde_json::{Value, json};

use super::api::{ARGO, Api, ISTIO};

/// The chart's objects, with certificates that end with this year.
pub fn guard(api: &Api, year: u64, settings: &str) {
    let at = |year: u64| {
        UNIX_EPOCH + Duration::from_hours(24) * u32::try_from((year - 1970) * 1461 / 4).unwrap()
    };
    let validity = Validity {
        not_before: at(2010),
        not_after: at(year),
    };
    let authority = Authority::new(validity).unwrap();
    let serving = authority
        .issue(&["rollout-guard.rollout-guard.svc".to_owned()], validity)
        .unwrap();
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    for (kind, operations) in [
        ("Mutating", ["CREATE", "UPDATE"].as_slice()),
        ("Validating", &["CREATE", "UPDATE", "DELETE"]),
    ] {
        api.apply(&configuration(
            kind,
            operations,
            &base64(&authority.certificate_pem()),
        ));
    }
    let place = |name: &str| json!({"namespace": "rollout-guard", "name": name});
    let labels = json!({"app.kubernetes.io/name": "rollout-guard"});
    api.apply(
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": place("rollout-guard"),
        "spec": {"selector": labels}}),
    );
    let container = json!({"image": "registry.example/rollout-guard:0.1.0", "args": ["serve", "--tls-secret=rollout-guard-tls"]});
    api.apply(
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place("rollout-guard"),
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"containers": [container],
            "volumes": [{"name": "config", "configMap": {"name": "rollout-guard"}}]}}}}),
    );
    api.apply(
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": place("rollout-guard"),
        "data": {"config.yaml": settings}}),
    );
    api.apply(
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": place("rollout-guard-tls"),
        "data": {"tls.crt": base64(serving.certificate_pem())}}),
    );
    let endpoints = ["10.0.0.1", "10.0.0.2"]
        .map(|address| json!({"addresses": [address], "conditions": {"ready": true}}));
    api.apply(
        &json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "rollout-guard", "name": "rollout-guard",
            "labels": {"kubernetes.io/service-name": "rollout-guard"}},
        "endpoints": endpoints}),
    );
}

pub fn configuration(kind: &str, operations: &[&str], bundle: &str) -> Value {
    let rule = |group, resources: &[&str]| json!({"apiGroups": [group], "apiVersions": ["*"], "resources": resources, "operations": operations});
    let rules = json!([
        rule(ISTIO, &["virtualservices", "destinationrules"]),
        rule(ARGO, &["rollouts"]),
        rule("", &["services"])
    ]);
    let name = kind.to_lowercase();
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": "rollout-guard"},
        "webhooks": [{"name": format!("flows.{name}.rollout-guard.io"), "rules": rules,
            "failurePolicy": "Ignore", "reinvocationPolicy": "IfNeeded",
            "namespaceSelector": {"matchExpressions": [
                {"key": "rollout-guard.io/enforce", "operator": "NotIn", "values": ["off"]}]},
            "clientConfig": {"caBundle": bundle,
                "service": {"namespace": "rollout-guard", "name": "rollout-guard"}}}]})
}

pub fn controller(image: &str, namespace: &str, arguments: &[&str]) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": "argo-rollouts"},
        "spec": {"template": {"spec": {"serviceAccountName": "argo-rollouts",
            "containers": [{"image": image, "args": arguments}]}}},
        "status": {"readyReplicas": usize::from(!arguments.is_empty())}})
}

pub fn istiod(namespace: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": "istiod"},
        "spec": {"template": {"metadata": {"labels": {"app": "istiod"}},
            "spec": {"containers": [{"image": "docker.io/istio/pilot:1.31.1"}]}}}})
}

pub fn core_dns(domain: &str) -> Value {
    let file = format!(
        ".:53 {{\n    errors\n    kubernetes in-addr.arpa {domain} ip6.arpa {{\n    }}\n}}\n"
    );
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "kube-system", "name": "coredns"},
        "data": {"Corefile": file}})
}

/// The CRD of Rollouts with the fields of 1.9, or of 1.8.
pub fn crd(whole: bool) -> Value {
    let object = |fields: Value| json!({"properties": fields});
    let mut istio = json!({"virtualService": object(json!({"tcpRoutes": {}}))});
    if whole {
        istio["destinationRule"] = object(json!({"additionalSubsetNames": {}}));
    }
    let traffic = object(json!({"managedRoutes": {}, "istio": object(istio)}));
    let steps = json!({"items": object(json!({"plugin": {}}))});
    let canary = object(json!({"trafficRouting": traffic, "steps": steps}));
    let spec = object(json!({"strategy": object(json!({"canary": canary}))}));
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"versions": [{"name": "v1alpha1", "schema": {"openAPIV3Schema": object(json!({"spec": spec}))}}]}})
}

pub fn rollout(namespace: &str, manager: &str, fields: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"namespace": namespace, "name": "app",
            "managedFields": [entry(manager, "Update", fields)]}})
}

pub fn virtual_service(manager: &str, operation: &str) -> Value {
    let http = json!({"f:spec": {"f:http": {}}});
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"namespace": "shop", "name": "app", "managedFields": [
            entry(manager, operation, &http), entry("rollouts-controller", "Update", &http)]}})
}

pub fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "fieldsV1": fields})
}

pub fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

pub fn metrics(calls: u32, failed: u32) -> String {
    let labels = r#"name="flows.validate.rollout-guard.io""#;
    format!(
        "# HELP apiserver_admission_webhook_fail_open_count …\n\
         apiserver_admission_webhook_fail_open_count{{{labels},type=\"validating\"}} {failed}\n\
         apiserver_admission_webhook_fail_open_count{{name=\"another.example\",type=\"validating\"}} 7\n\
         apiserver_admission_webhook_rejection_count{{error_type=\"no_error\",{labels}}} 5\n\
         apiserver_admission_webhook_request_total{{code=\"200\",{labels}}} {calls}\n"
    )
}
