//! Which writes are neither judged nor changed: those of the controller and of the system, and writes of objects
//! that are being deleted.

use serde_json::{Map, Value};

use super::confined::is_confined;
use crate::cluster::View;
use crate::managed_fields;
use crate::model::{Enforce, Kind, Operation};
use crate::request::Request;
use crate::settings::{ExemptByFieldManager, Settings};

/// More changes than the controller ever makes in one write.
const MAX_CHANGES: usize = 32;

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
    /// A service account that is not listed, and what the write changes: known by managedFields, and only what the
    /// Rollouts controller writes.
    ControllerByFields,
    /// A delete by the garbage collector or the namespace controller.
    System,
    /// It could not be decided before the caller gives up.
    OutOfTime,
    /// The review could not be read.
    Unreadable,
    /// What a denial would rest on could not be read again from the API server.
    Unverified,
}

/// Who makes a write that managedFields attribute to the Rollouts controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameUse {
    /// A listed user: the controller.
    Listed,
    /// A service account that is not listed, and that changes only what the controller writes: probably the
    /// controller.
    Confined,
    /// Anybody else.
    Other,
}

/// Why a write is not judged; `None` for one that is.
pub(super) fn exempt(
    request: &Request,
    view: &View<'_>,
    name_use: Option<NameUse>,
    settings: &Settings,
) -> Option<Exempt> {
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
    by_namespace(request, view).or_else(|| by_fields(request, name_use, settings))
}

fn by_fields(request: &Request, name_use: Option<NameUse>, settings: &Settings) -> Option<Exempt> {
    let counts = match settings.exempt_by_field_manager {
        ExemptByFieldManager::Auto => !request.controller_seen,
        ExemptByFieldManager::Always => true,
        ExemptByFieldManager::Never => false,
    };
    let is_controller = counts && name_use == Some(NameUse::Confined);
    is_controller.then_some(Exempt::ControllerByFields)
}

/// Who uses the controller's field manager; `None` if managedFields attribute the write to others.
pub(super) fn name_use(request: &Request, view: &View<'_>, settings: &Settings) -> Option<NameUse> {
    if !is_attributed(request, &settings.mesh.controller_manager) {
        return None;
    }
    let is_service_account = request.user.starts_with("system:serviceaccount:");
    Some(if settings.controller_users.contains(&request.user) {
        NameUse::Listed
    } else if is_service_account && is_confined(request, *view) {
        NameUse::Confined
    } else {
        NameUse::Other
    })
}

/// Whether the ownership of fields is shared in an exempt write: the controller makes it, and the object is guarded.
pub(super) fn is_shared(
    reason: Exempt,
    request: &Request,
    view: &View<'_>,
    settings: &Settings,
) -> bool {
    matches!(reason, Exempt::Controller | Exempt::ControllerByFields)
        && request.phase.mutates()
        && !request.is_partial()
        && managed_fields::is_applied_by_another(&request.object, &settings.mesh.controller_manager)
        && !is_deleting(request.subject())
        && by_namespace(request, view).is_none()
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
    let metadata = object.get("metadata");
    let deletion = metadata.and_then(|metadata| metadata.get("deletionTimestamp"));
    deletion.is_some_and(|time| !time.is_null())
}

/// Whether managedFields, which the API server updates before it calls webhooks, attribute the changes of an UPDATE
/// to the manager. The controller creates and deletes none of the kinds that are judged.
fn is_attributed(request: &Request, manager: &str) -> bool {
    // What is not kept of an object may have changed too.
    if request.is_partial() {
        return false;
    }
    let is_guarded = request.kind.is_some_and(Kind::is_guarded) && request.subresource.is_empty();
    if request.operation != Operation::Update || !is_guarded {
        return false;
    }
    let (old, new) = (&request.old_object, &request.object);
    let mut changes = Vec::new();
    collect_changes(old, new, &mut Vec::new(), &mut changes);
    let is_owned = |path: &[&str]| {
        managed_fields::owns_whole(new, manager, path)
            || managed_fields::is_given_up(new, manager, path)
    };
    let (owned, others): (Vec<_>, Vec<_>) = changes.iter().partition(|(path, _)| is_owned(path));
    // A field that is gone has no owner, and a list whose elements have owners may have several.
    let mut others = others.iter();
    changes.len() < MAX_CHANGES
        && !owned.is_empty()
        && others.all(|(path, value)| {
            value.is_null() || value.is_array() && managed_fields::owns_part(new, manager, path)
        })
}

/// The paths at which the two differ, down to scalars and lists, each with what is there now. Metadata that the API
/// server maintains and the status, which has an endpoint of its own, do not count.
fn collect_changes<'a>(
    old: &'a Value,
    new: &'a Value,
    path: &mut Vec<&'a str>,
    changes: &mut Vec<(Vec<&'a str>, &'a Value)>,
) {
    let maintained = match path.as_slice() {
        ["status", ..] => true,
        ["metadata", ..] => is_maintained_by_server(path),
        _ => false,
    };
    if old == new || maintained || changes.len() >= MAX_CHANGES {
        return;
    }
    let (Value::Object(_) | Value::Null, Value::Object(after)) = (old, new) else {
        changes.push((path.clone(), new));
        return;
    };
    let before = old.as_object();
    let gone = before
        .into_iter()
        .flat_map(Map::keys)
        .filter(|key| !after.contains_key(*key));
    for key in after.keys().chain(gone) {
        path.push(key);
        collect_changes(field(old, key), field(new, key), path, changes);
        path.pop();
    }
}

fn field<'a>(map: &'a Value, key: &str) -> &'a Value {
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
            Exempt::Unreadable => "unreadable",
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
