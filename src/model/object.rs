//! One object of any kind we know.

use std::cell::RefCell;

use serde_json::Value;

use super::{
    DestinationRule, Gateway, Key, Kind, Malformed, Meta, Namespace, Reader, Rollout, Service,
    ServiceEntry, VirtualService, Workload,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Rollout(Box<Rollout>),
    VirtualService(VirtualService),
    DestinationRule(DestinationRule),
    Service(Service),
    ServiceEntry(ServiceEntry),
    Gateway(Gateway),
    Namespace(Namespace),
    Workload(Workload),
}

impl Object {
    /// The view of an object; `None` when it has no apiVersion and kind, or one we do not know.
    pub fn parse(value: &Value, default_namespace: &str) -> Option<Object> {
        let api_version = value.get("apiVersion")?.as_str()?;
        let kind = Kind::of(api_version, value.get("kind")?.as_str()?)?;
        Some(Self::parse_as(kind, value, default_namespace))
    }

    /// The view of an object whose kind is known otherwise, as in an AdmissionRequest.
    pub fn parse_as(kind: Kind, value: &Value, default_namespace: &str) -> Object {
        let faults = RefCell::default();
        let root = Reader::new(value, &faults);
        let meta = Meta::read(kind, &root, default_namespace);
        let mut object = Self::read(meta, &root);
        *object.malformed_mut() = faults.take();
        object
    }

    fn read(meta: Meta, root: &Reader<'_>) -> Object {
        match meta.key.kind {
            Kind::Rollout => Object::Rollout(Box::new(Rollout::read(meta, root))),
            Kind::VirtualService => Object::VirtualService(VirtualService::read(meta, root)),
            Kind::DestinationRule => Object::DestinationRule(DestinationRule::read(meta, root)),
            Kind::Service => Object::Service(Service::read(meta, root)),
            Kind::ServiceEntry => Object::ServiceEntry(ServiceEntry::read(meta, root)),
            Kind::Gateway => Object::Gateway(Gateway::read(meta)),
            Kind::Namespace => Object::Namespace(Namespace::read(meta)),
            Kind::Deployment | Kind::ReplicaSet | Kind::PodTemplate => {
                Object::Workload(Workload::read(meta, root))
            }
        }
    }

    pub fn meta(&self) -> &Meta {
        match self {
            Object::Rollout(object) => &object.meta,
            Object::VirtualService(object) => &object.meta,
            Object::DestinationRule(object) => &object.meta,
            Object::Service(object) => &object.meta,
            Object::ServiceEntry(object) => &object.meta,
            Object::Gateway(object) => &object.meta,
            Object::Namespace(object) => &object.meta,
            Object::Workload(object) => &object.meta,
        }
    }

    pub fn key(&self) -> &Key {
        &self.meta().key
    }

    /// Fields of the wrong type, in the order they were read.
    pub fn malformed(&self) -> &[Malformed] {
        match self {
            Object::Rollout(object) => &object.malformed,
            Object::VirtualService(object) => &object.malformed,
            Object::DestinationRule(object) => &object.malformed,
            Object::Service(object) => &object.malformed,
            Object::ServiceEntry(object) => &object.malformed,
            Object::Gateway(object) => &object.malformed,
            Object::Namespace(object) => &object.malformed,
            Object::Workload(object) => &object.malformed,
        }
    }

    fn malformed_mut(&mut self) -> &mut Vec<Malformed> {
        match self {
            Object::Rollout(object) => &mut object.malformed,
            Object::VirtualService(object) => &mut object.malformed,
            Object::DestinationRule(object) => &mut object.malformed,
            Object::Service(object) => &mut object.malformed,
            Object::ServiceEntry(object) => &mut object.malformed,
            Object::Gateway(object) => &mut object.malformed,
            Object::Namespace(object) => &mut object.malformed,
            Object::Workload(object) => &mut object.malformed,
        }
    }
}
