//! What a Deployment runs: images with their versions, flags, the service account.

use serde_json::Value;

use super::reader::{list, text};

const LABELS: &str = "/spec/template/metadata/labels";

/// A Deployment of the Rollouts controller.
pub(super) fn is_rollouts_controller(deployment: &Value) -> bool {
    let label = |name| label(deployment, name);
    let labelled = label("app.kubernetes.io/name") == "argo-rollouts"
        && matches!(
            label("app.kubernetes.io/component"),
            "" | "rollouts-controller"
        );
    labelled || images(deployment).any(|image| CONTROLLER_IMAGES.contains(&base_name(image)))
}

const CONTROLLER_IMAGES: [&str; 2] = ["argo-rollouts", "rollouts-controller"];

/// A Deployment of Istio's control plane.
pub(super) fn is_istiod(deployment: &Value) -> bool {
    label(deployment, "app") == "istiod" || label(deployment, "istio") == "pilot"
}

fn label<'a>(deployment: &'a Value, name: &str) -> &'a str {
    let labels = deployment.pointer(LABELS);
    let found = labels.and_then(|labels| labels.get(name)?.as_str());
    found.unwrap_or_default()
}

/// The user that its pods write as.
pub(super) fn user(deployment: &Value) -> String {
    let namespace = text(deployment, "/metadata/namespace");
    let account = match text(deployment, "/spec/template/spec/serviceAccountName") {
        "" => "default",
        account => account,
    };
    format!("system:serviceaccount:{namespace}:{account}")
}

/// The tag of the first image that has one, or the label with the version.
pub(super) fn version(deployment: &Value) -> &str {
    let tag = images(deployment).find_map(tag);
    tag.unwrap_or_else(|| {
        let label = deployment.pointer("/metadata/labels/app.kubernetes.io~1version");
        label.and_then(Value::as_str).unwrap_or_default()
    })
}

/// The value of a flag, written `--name=value` or `--name value`.
pub(super) fn flag<'a>(deployment: &'a Value, name: &str) -> Option<&'a str> {
    let containers = list(deployment, "/spec/template/spec/containers").iter();
    let arguments =
        containers.flat_map(|one| list(one, "/command").iter().chain(list(one, "/args")));
    let mut arguments = arguments.filter_map(Value::as_str);
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(name) {
            Some("") => return arguments.next(),
            Some(rest) if rest.starts_with('=') => return rest.strip_prefix('='),
            _ => {}
        }
    }
    None
}

pub(super) fn ready_replicas(deployment: &Value) -> u64 {
    let ready = deployment.pointer("/status/readyReplicas");
    ready.and_then(Value::as_u64).unwrap_or_default()
}

fn images(deployment: &Value) -> impl Iterator<Item = &str> {
    let containers = list(deployment, "/spec/template/spec/containers").iter();
    containers.map(|container| text(container, "/image"))
}

/// `argo-rollouts` of `quay.io/argoproj/argo-rollouts:v1.10.1@sha256:…`.
fn base_name(image: &str) -> &str {
    let image = last_part(image);
    image.split_once(':').map_or(image, |(name, _)| name)
}

fn tag(image: &str) -> Option<&str> {
    last_part(image).split_once(':').map(|(_, tag)| tag)
}

/// What follows the registry and the folders, without the digest.
fn last_part(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    image.rsplit_once('/').map_or(image, |(_, last)| last)
}
