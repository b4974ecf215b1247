//! Decodes a watched object and keeps only the fields that rules read.

use kube::api::ApiResource;
use kube::{Resource, ResourceExt};
use serde::Serialize;

use crate::model::{Key, Kind, Object};

/// The fields of the object that rules read.
pub(super) fn object<K>(kind: Kind, mut sent: K) -> Object
where
    K: Resource<DynamicType = ApiResource> + Serialize,
{
    // They show whether the controller has written the routes; of other kinds nothing is read of them.
    if kind != Kind::VirtualService {
        sent.managed_fields_mut().clear();
    }
    // An object that came as JSON can be written as JSON.
    let value = serde_json::to_value(&sent).unwrap_or_default();
    Object::parse_as(kind, &value, "")
}

pub(super) fn key<K>(kind: Kind, sent: &K) -> Key
where
    K: Resource<DynamicType = ApiResource>,
{
    let namespace = sent.namespace().unwrap_or_default();
    Key::new(kind, &namespace, &sent.name_any())
}
