//! Makes the controller give up the ownership of fields that other managers apply server-side.
//!
//! ## What
//! In a write of the Rollouts controller, its `Update` entry in `metadata.managedFields` loses the fields that the
//! owners of the flow keep in git:
//!
//! - `spec.http`, `spec.tls` and `spec.tcp` of a VirtualService;
//! - `spec.subsets` of a DestinationRule;
//! - `spec.selector` of a Service, or only its hash where the API server records each key.
//!
//! An entry that owns nothing else is removed. Nothing else of the object changes. A list that nobody owns counts as
//! the controller's until somebody applies it.
//!
//! ## Why
//! Server-side apply rejects an apply that changes a field of another manager. The controller owns the whole list
//! after it changed a weight in it. So each `helm upgrade` (Helm 4) and each `kubectl apply --server-side` ends with a
//! conflict with `rollouts-controller`, also when no release is in progress. The conflict comes before any webhook. When
//! the controller does not own the field, the apply arrives, and the other mutations keep the controller's values in it.
//!
//! ## Not when
//! The mutation changes nothing if no other manager has applied the object server-side, or in writes of anybody but the
//! controller. Two managers that both apply still conflict with each other.

use serde_json::{Map, Value};

use super::input::Input;
use super::patch::Patch;
use crate::field::Path;
use crate::managed_fields::{SHARED, is_applied_by_another};
use crate::model::HASH_LABEL;

mutation!(Controller: VirtualService, DestinationRule, Service(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    if !is_applied_by_another(patch.object(), input.controller_manager) {
        return;
    }
    let entries = patch.object().pointer("/metadata/managedFields");
    let Some(entries) = entries.and_then(Value::as_array) else {
        return;
    };
    let shared = entries.iter().filter_map(|entry| {
        let mut entry = entry.clone();
        if is_update_by(&entry, input.controller_manager)
            && let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut)
        {
            let owned = !fields.is_empty();
            give_up(fields);
            if owned && fields.is_empty() {
                return None;
            }
        }
        Some(entry)
    });
    let shared: Value = shared.collect();
    patch.set(&Path::of(["metadata", "managedFields"]), shared);
}

/// The entry for the object itself, not for its status.
fn is_update_by(entry: &Value, manager: &str) -> bool {
    let text = |field| entry.get(field).and_then(Value::as_str);
    text("manager") == Some(manager)
        && text("operation") == Some("Update")
        && text("subresource").unwrap_or_default().is_empty()
}

fn give_up(fields: &mut Map<String, Value>) {
    let Some(spec) = fields.get_mut("f:spec").and_then(Value::as_object_mut) else {
        return;
    };
    let before = spec.len();
    for field in SHARED {
        let name = format!("f:{field}");
        let keys = spec.get_mut(&name).and_then(Value::as_object_mut);
        if field == "selector"
            && let Some(keys) = keys.filter(|keys| !keys.is_empty())
        {
            keys.remove(&format!("f:{HASH_LABEL}"));
            if keys.keys().any(|key| key != ".") {
                continue;
            }
        }
        spec.remove(&name);
    }
    // An empty map would own the whole of `spec`.
    if spec.is_empty() && before > 0 {
        fields.remove("f:spec");
    }
}
