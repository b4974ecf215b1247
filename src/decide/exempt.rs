//! Which writes are neither judged nor changed: those of the controller and of the system, and writes of objects
//! that are being deleted.

use serde_json::{Map, Value};

use crate::cluster::View;
use crate::managed_fields;
use crate::model::{Enforce, Kind, Operation};
use crate::request::Request;
use crate::settings::Settings;

/// Why a write was not judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// The kind is not guarded.
    UnknownKind,
    /// The write is of a subresource, such as `status`.
    Subresource,
    /// The object is being deleted: removing a finalizer never fails.
    ObjectDeleting,
    /// The object's namespace is being deleted.
    NamespaceDeleting,
    /// The namespace has the label `rollout-guard.io/enforce: off`.
    NamespaceOff,
    /// The Rollouts controller, known by its user.
    Controller,
    /// The Rollouts controller under an unlisted user, known by managedFields.
    ControllerByFields,
    /// A delete by the garbage collector or the namespace controller.
    System,
    /// It could not be decided before the caller gives up.
    OutOfTime,
    /// What a denial would rest on could not be read again from the API server.
    Unverified,
}

/// Why a write is not judged; `None` for one that is.
pub(super) fn exempt(request: &Request, view: &View<'_>, settings: &Settings) -> Option<Exempt> {
    let guarded = request.kind.is_some_and(Kind::is_guarded);
    if !guarded {
        return Some(Exempt::UnknownKind);
    }
    if !request.subresource.is_empty() {
        return Some(Exempt::Subresource);
    }
    if settings.controller_users.contains(&request.user) {
        return Some(Exempt::Controller);
    }
    if is_deleting(request.subject()) {
        return Some(Exempt::ObjectDeleting);
    }
    if request.operation == Operation::Delete && SYSTEM.contains(&request.user.as_str()) {
        return Some(Exempt::System);
    }
    by_namespace(request, view).or_else(|| by_fields(request, settings))
}

fn by_namespace(request: &Request, view: &View<'_>) -> Option<Exempt> {
    let meta = view.namespace(&request.namespace)?;
    if meta.deleting {
        Some(Exempt::NamespaceDeleting)
    } else {
        (meta.enforce == Some(Enforce::Off)).then_some(Exempt::NamespaceOff)
    }
}

fn is_deleting(object: &Value) -> bool {
    let deletion = object.pointer("/metadata/deletionTimestamp");
    deletion.is_some_and(|time| !time.is_null())
}

/// Whether the controller writes under a user that is not listed: managedFields, which the API server updates
/// before it calls webhooks, attribute every change of the write to the controller's field manager.
fn by_fields(request: &Request, settings: &Settings) -> Option<Exempt> {
    // The controller creates and deletes none of the kinds that are judged.
    if request.operation != Operation::Update {
        return None;
    }
    let mut changes = Vec::new();
    let mut path = Vec::new();
    collect_changes(
        &request.old_object,
        &request.object,
        &mut path,
        &mut changes,
    );
    let mut owners = changes
        .iter()
        .flat_map(|path| managed_fields::owners(&request.object, path))
        .peekable();
    let only_ours =
        owners.peek().is_some() && owners.all(|owner| owner == settings.mesh.controller_manager);
    only_ours.then_some(Exempt::ControllerByFields)
}

/// The paths at which the two differ, down to scalars and lists. Metadata that the API server maintains does not
/// count.
fn collect_changes<'a>(
    old: &'a Value,
    new: &'a Value,
    path: &mut Vec<&'a str>,
    changes: &mut Vec<Vec<&'a str>>,
) {
    if old == new || (path.first() == Some(&"metadata") && is_maintained_by_server(path)) {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        changes.push(path.clone());
        return;
    };
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    for key in after.keys().chain(gone) {
        path.push(key);
        collect_changes(field(before, key), field(after, key), path, changes);
        path.pop();
    }
}

fn field<'a>(map: &'a Map<String, Value>, key: &str) -> &'a Value {
    map.get(key).unwrap_or(&Value::Null)
}

fn is_maintained_by_server(path: &[&str]) -> bool {
    let maintained = |name: &&str| !matches!(*name, "annotations" | "labels" | "finalizers");
    path.get(1).is_some_and(maintained)
}

impl Exempt {
    /// The word for audit annotations and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Exempt::UnknownKind => "unknown-kind",
            Exempt::Subresource => "subresource",
            Exempt::ObjectDeleting => "object-deleting",
            Exempt::NamespaceDeleting => "namespace-deleting",
            Exempt::NamespaceOff => "namespace-off",
            Exempt::Controller => "controller",
            Exempt::ControllerByFields => "controller-by-managed-fields",
            Exempt::System => "system",
            Exempt::OutOfTime => "out-of-time",
            Exempt::Unverified => "unverified",
        }
    }
}

/// The users of the garbage collector and the namespace controller.
pub const SYSTEM: [&str; 3] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
    use crate::request::Phase;
    use serde_json::json;

    fn write(manager: &str) -> Request {
        let object = |weight: i64, fields: Value| {
            json!({"metadata": {"generation": weight, "managedFields": fields},
                   "spec": {"hosts": ["a"], "http": [{"weight": weight}]}})
        };
        let entry = json!([
            {"manager": "kubectl", "fieldsV1": {"f:spec": {".": {}, "f:hosts": {}}}},
            {"manager": manager, "fieldsV1": {"f:spec": {"f:http": {}}}},
        ]);
        Request {
            phase: Phase::Validate,
            uid: String::new(),
            kind: Some(Kind::VirtualService),
            group: String::new(),
            kind_name: String::new(),
            operation: Operation::Update,
            subresource: String::new(),
            namespace: "ns".into(),
            name: "vs".into(),
            user: "someone".into(),
            object: object(5, entry),
            old_object: object(0, json!([])),
            dry_run: false,
            trace: false,
        }
    }

    #[test]
    fn knows_the_controller_by_the_fields_it_changed() {
        let cluster = Cluster::default();
        let view = View::of(&cluster);
        let reason = |request: &Request| exempt(request, &view, &Settings::default());
        assert_eq!(
            reason(&write("rollouts-controller")),
            Some(Exempt::ControllerByFields)
        );
        assert_eq!(reason(&write("kubectl-edit")), None);
        let mut both = write("rollouts-controller");
        both.object["spec"]["hosts"] = json!(["b"]);
        assert_eq!(reason(&both), None);
    }
}
