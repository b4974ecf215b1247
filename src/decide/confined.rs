//! Whether a write changes only what the Rollouts controller itself writes. The same field manager alone proves
//! nothing, because each client names its own.
//!
//! What the controller writes (`rollout/trafficrouting/istio`, `rollout/service.go`, `service/service.go`): the
//! weights of managed routes, the destinations of experiments and those without a role in these routes, the routes
//! of `managedRoutes` and of route steps, hashes and subsets of its DestinationRule, the hash in the selectors of
//! its Services, and the managed-by annotation. Of a Rollout it writes the revision and the generation of a workload,
//! with all fields as its own types have them (`rollout/sync.go`, `rollout/templateref.go`).

use serde_json::Value;

use super::confined_routes::{RouteWriter, runs_experiments};
use super::same_fields::{at, elements, is_same_without};
use crate::cluster::{Flow, List, View, reference};
use crate::model::{HASH_LABEL, Key, Kind, MANAGED_BY, Object};
use crate::request::Request;

/// On DestinationRules and Services, and on Rollouts.
const ANNOTATIONS: [&str; 3] = [
    MANAGED_BY,
    "rollout.argoproj.io/revision",
    "rollout.argoproj.io/workload-generation",
];

/// Whether the Rollouts controller could have made the whole difference of an UPDATE: for one Rollout that names
/// the object, or to clean an object after the Rollout that it was marked for.
pub(super) fn is_confined(request: &Request, view: View<'_>) -> bool {
    let Some(kind) = request.kind else {
        return false;
    };
    let (old, new) = (&request.old_object, &request.object);
    if !is_same_without(old, new, &["metadata", "spec", "status"]) || !is_same_metadata(old, new) {
        return false;
    }
    if kind == Kind::Rollout {
        return is_marked_alike(old, new) && is_same_rollout(at(old, "spec"), at(new, "spec"));
    }
    let name = at(at(old, "metadata"), "name").as_str().unwrap_or_default();
    let key = Key::new(kind, &request.namespace, name);
    let rollouts = view.rollouts_using(&key).into_iter();
    let flows: Vec<Flow<'_>> = rollouts.map(|rollout| Flow::of(rollout, view)).collect();
    if kind == Kind::VirtualService {
        return is_marked_alike(old, new) && routes_are_confined(&flows, &key, old, new);
    }
    if !is_spec_confined(kind, at(old, "spec"), at(new, "spec")) {
        return false;
    }
    is_cleaned(old, new, &flows)
        || flows.iter().any(|flow| {
            let mark = mark(new).and_then(Value::as_str);
            (is_marked_alike(old, new) || mark == Some(flow.rollout.meta.name()))
                && (kind == Kind::Service || subsets_are_confined(flow, old, new))
        })
}

/// Everything but the annotations that the controller writes.
fn is_same_metadata(old: &Value, new: &Value) -> bool {
    let (old, new) = (at(old, "metadata"), at(new, "metadata"));
    let theirs = ["labels", "finalizers", "ownerReferences"];
    theirs.iter().all(|field| at(old, field) == at(new, field))
        && is_same_without(at(old, "annotations"), at(new, "annotations"), &ANNOTATIONS)
}

/// Whether a part of a Rollout is the old one as the controller's own types write it: with zero values, quantities in their
/// shortest form and the default of `replicas`.
fn is_same_rollout(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let names = before.keys().chain(after.keys());
            names.filter(|name| *name != "resources").all(|name| {
                let (old, new) = (at(old, name), at(new, name));
                is_same_rollout(old, new) || (name == "replicas" && old.is_null() && *new == 1)
            })
        }
        (Value::Array(before), Value::Array(after)) => {
            let mut pairs = before.iter().zip(after);
            before.len() == after.len() && pairs.all(|(old, new)| is_same_rollout(old, new))
        }
        (old, new) => old == new || old.is_null() && is_zero(new),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(is_zero),
    }
}

fn is_spec_confined(kind: Kind, old: &Value, new: &Value) -> bool {
    match kind {
        Kind::DestinationRule => is_same_without(old, new, &["subsets"]),
        Kind::Service => {
            is_same_without(old, new, &["selector"])
                && is_same_without(at(old, "selector"), at(new, "selector"), &[HASH_LABEL])
        }
        _ => false,
    }
}

/// The Rollout that an object was marked for does not name it any more: the controller takes mark and hashes away.
fn is_cleaned(old: &Value, new: &Value, flows: &[Flow<'_>]) -> bool {
    let is_released = match mark(old) {
        Some(owner) => flows.iter().all(|flow| *owner != *flow.rollout.meta.name()),
        None => flows.is_empty(),
    };
    let (old_subsets, new_subsets) = (subsets(old), subsets(new));
    let is_clean = |labels: &Value| labels.get(HASH_LABEL).is_none();
    is_released
        && (mark(new).is_none() || is_marked_alike(old, new))
        && is_clean(at(at(new, "spec"), "selector"))
        && new_subsets
            .iter()
            .all(|subset| is_clean(at(subset, "labels")))
        && old_subsets.len() == new_subsets.len()
        && old_subsets
            .iter()
            .zip(new_subsets)
            .all(|(old, new)| is_same_subset(old, new))
}

fn mark(object: &Value) -> Option<&Value> {
    at(at(object, "metadata"), "annotations").get(MANAGED_BY)
}

fn is_marked_alike(old: &Value, new: &Value) -> bool {
    mark(old) == mark(new)
}

fn subsets(object: &Value) -> &[Value] {
    elements(at(object, "spec"), "subsets")
}

/// As `UpdateHash` leaves the subsets: in their order, hashes set, without those that are neither canary, stable
/// nor of an experiment, and with those of experiments at the end.
fn subsets_are_confined(flow: &Flow<'_>, old: &Value, new: &Value) -> bool {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return false;
    };
    let roles = [
        &link.reference.canary_subset_name,
        &link.reference.stable_subset_name,
    ];
    let has_role = |subset: &Value| roles.iter().any(|role| **role == *at(subset, "name"));
    let mut rest = subsets(new).iter().peekable();
    for subset in subsets(old) {
        let kept = rest.next_if(|next| is_same_subset(subset, next)).is_some();
        if !kept && has_role(subset) {
            return false;
        }
    }
    rest.all(|added| {
        let labels = at(added, "labels");
        runs_experiments(flow)
            && is_same_without(added, &Value::Null, &["name", "labels"])
            && is_same_without(labels, &Value::Null, &[HASH_LABEL])
    })
}

fn is_same_subset(old: &Value, new: &Value) -> bool {
    is_same_without(old, new, &["labels"])
        && is_same_without(at(old, "labels"), at(new, "labels"), &[HASH_LABEL])
}

fn routes_are_confined(flows: &[Flow<'_>], key: &Key, old: &Value, new: &Value) -> bool {
    let parse = |value| Object::parse_as(key.kind, value, &key.namespace);
    let (old_object, new_object) = (parse(old), parse(new));
    let (Some(service), Some(written)) =
        (old_object.virtual_service(), new_object.virtual_service())
    else {
        return false;
    };
    let (old, new) = (at(old, "spec"), at(new, "spec"));
    // What is no list is not the controller's.
    let is_list = |list: List| {
        let is_list =
            |spec: &Value| matches!(at(spec, list.field()), Value::Null | Value::Array(_));
        is_list(old) && is_list(new)
    };
    is_same_without(old, new, &List::ALL.map(List::field))
        && List::ALL.into_iter().all(is_list)
        && flows.iter().any(|flow| {
            let writer = RouteWriter::of(*flow, key, service);
            writer.is_some_and(|writer| writer.makes_lists(old, new, written.http()))
        })
}
