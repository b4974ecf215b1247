//! The CRD of Rollouts: whether it has the fields of `argoVersion`.

use serde_json::Value;

use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::{Reader, list, text};
use crate::cluster::ArgoVersion;

const TOPIC: &str = "rollout-crd";
const PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.argoproj.io";

/// Fields below `spec.strategy.canary` by the version that brought them.
const FIELDS: [(ArgoVersion, &[&str]); 4] = [
    (ArgoVersion(1, 3), &["trafficRouting", "managedRoutes"]),
    (
        ArgoVersion(1, 4),
        &["trafficRouting", "istio", "virtualService", "tcpRoutes"],
    ),
    (ArgoVersion(1, 8), &["steps", "plugin"]),
    (
        ArgoVersion(1, 9),
        &[
            "trafficRouting",
            "istio",
            "destinationRule",
            "additionalSubsetNames",
        ],
    ),
];

pub(super) async fn facts(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    if inventory.versions("argoproj.io").is_empty() {
        let fact = "the API server serves no Rollouts";
        let meaning = "there is nothing to guard";
        let fact = Fact::new(Level::Error, TOPIC, fact, meaning);
        return vec![fact.advise("install the CRDs of Argo Rollouts (rollouts.argoproj.io)")];
    }
    match reader.get(PATH).await {
        Err(error) => vec![Fact::unread(TOPIC, "the CRD of Rollouts", &error)],
        Ok(None) => Vec::new(),
        Ok(Some(crd)) => vec![fields(&crd, inventory.settings.mesh.argo_version)],
    }
}

fn fields(crd: &Value, set: ArgoVersion) -> Fact {
    let Some(canary) = canary_schema(crd) else {
        let fact = "the CRD of Rollouts has no schema of v1alpha1";
        let meaning = "the API server stores every field, known or not";
        return Fact::new(Level::Note, TOPIC, fact, meaning);
    };
    let (present, absent): (Vec<_>, Vec<_>) =
        FIELDS.iter().partition(|(_, path)| has(canary, path));
    if let Some((since, path)) = absent.iter().find(|(since, _)| *since <= set) {
        let field = path.join(".");
        let fact = format!(
            "the CRD of Rollouts lacks `{field}`, a field of {since}; `argoVersion` is {set}"
        );
        let meaning = "the API server drops the field from every Rollout without an error";
        return Fact::new(Level::Error, TOPIC, fact, meaning)
            .advise("apply the CRDs of the controller's version; Helm never upgrades CRDs");
    }
    if let Some((since, _)) = present.iter().find(|(since, _)| *since > set) {
        let fact = format!("the CRD of Rollouts has fields of {since}; `argoVersion` is {set}");
        let advice =
            "compare the controller's version with `argoVersion`, and upgrade what is behind";
        return Fact::new(
            Level::Warning,
            TOPIC,
            fact,
            "an older controller ignores them",
        )
        .advise(advice);
    }
    let fact = format!("the CRD of Rollouts has the fields of {set}");
    let meaning = "no field that the controller reads is dropped";
    Fact::new(Level::Ok, TOPIC, fact, meaning)
}

/// The schema of `spec.strategy.canary`.
fn canary_schema(crd: &Value) -> Option<&Value> {
    let mut versions = list(crd, "/spec/versions").iter();
    let version = versions.find(|version| text(version, "/name") == "v1alpha1")?;
    let canary = "/schema/openAPIV3Schema/properties/spec/properties/strategy/properties/canary";
    version.pointer(canary)
}

fn has(schema: &Value, path: &[&str]) -> bool {
    let found = path.iter().try_fold(schema, |schema, name| {
        let items = schema.get("items").unwrap_or(schema);
        items.get("properties")?.get(name)
    });
    found.is_some()
}
