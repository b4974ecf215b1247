//! What comes in by the door: of an object that the API server sent, the partial view stays.

use kube::api::ApiResource;
use kube::{Resource, ResourceExt};
use serde::Serialize;

use crate::model::{Key, Kind, Object};

/// The partial view of an object; nothing else of it is kept.
pub(super) fn view<K>(kind: Kind, mut object: K) -> Object
where
    K: Resource<DynamicType = ApiResource> + Serialize,
{
    object.managed_fields_mut().clear();
    // An object that came as JSON can be written as JSON.
    let value = serde_json::to_value(&object).unwrap_or_default();
    Object::parse_as(kind, &value, "")
}

pub(super) fn key<K>(kind: Kind, object: &K) -> Key
where
    K: Resource<DynamicType = ApiResource>,
{
    let namespace = object.namespace().unwrap_or_default();
    Key::new(kind, &namespace, &object.name_any())
}

/// Kinds of which their metadata suffices.
pub(super) fn is_metadata_only(kind: Kind) -> bool {
    matches!(kind, Kind::Gateway | Kind::Namespace)
}
