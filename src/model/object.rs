//! One object of a known kind: its metadata, its malformed fields, and the fields of its kind.

use std::cell::RefCell;
use std::ops::Deref;

use serde_json::Value;

use super::destination_rule::DestinationRule;
use super::field_names::{UnknownFields, unknown_fields};
use super::gateway::Gateway;
use super::key::Key;
use super::kind::{HASH_LABEL, Kind};
use super::meta::Meta;
use super::notes::{Malformed, Notes};
use super::reader::Reader;
use super::rollout::Rollout;
use super::service::{Service, ServiceEntry};
use super::shape::Shape;
use super::virtual_service::VirtualService;
use super::workload::Workload;
use crate::field::Path;

/// One object, read leniently: an unknown field or a newer version is no fault, and a field of the wrong type is absent
/// and noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its metadata.
    pub meta: Meta,
    /// Fields of the wrong type, in the order they were read.
    pub malformed: Vec<Malformed>,
    /// How many more there are.
    pub more_malformed: usize,
    /// The entries of lists and maps that were not read because there are too many.
    pub unread_entries: usize,
    /// The fields that the API server drops, of an object in a manifest.
    pub unknown_fields: Option<Box<UnknownFields>>,
    /// The fields of its kind.
    pub body: Body,
}

/// The fields of an object other than its metadata, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Boxed: it is much larger than the others.
    Rollout(Box<Rollout>),
    /// Of any version of `networking.istio.io`.
    VirtualService(VirtualService),
    /// Of any version of `networking.istio.io`.
    DestinationRule(DestinationRule),
    /// Of the core group.
    Service(Service),
    /// Of any version of `networking.istio.io`.
    ServiceEntry(ServiceEntry),
    /// A Deployment, ReplicaSet or PodTemplate, or a Rollout's ReplicaSet.
    Workload(Workload),
    /// Istio's, not the one of the Gateway API.
    Gateway(Gateway),
    /// An AnalysisTemplate or ClusterAnalysisTemplate, metadata only: rules ask whether it exists.
    AnalysisTemplate,
    /// Metadata only: the enforce label and whether it is being deleted.
    Namespace,
}

/// An object of one kind.
#[derive(Debug, PartialEq)]
pub struct Typed<'a, T> {
    /// Its metadata.
    pub meta: &'a Meta,
    /// The fields of it that have the wrong type.
    pub malformed: &'a [Malformed],
    /// The fields of its kind; the type derefs to them.
    pub body: &'a T,
}

impl Object {
    /// Parses an object; `None` if it has no `apiVersion` and `kind`, or if the kind is not known.
    pub fn parse(value: &Value, default_namespace: &str) -> Option<Object> {
        let api_version = value.get("apiVersion")?.as_str()?;
        let kind = Kind::of(api_version, value.get("kind")?.as_str()?)?;
        Some(Self::parse_as(kind, value, default_namespace))
    }

    /// Parses an object whose kind is known from elsewhere, such as an AdmissionRequest.
    pub fn parse_as(kind: Kind, value: &Value, default_namespace: &str) -> Object {
        let kind = match kind {
            Kind::ReplicaSet if is_revision(value) => Kind::Revision,
            kind => kind,
        };
        Self::read(kind, value, default_namespace, &Notes::default())
    }

    fn read(kind: Kind, value: &Value, default_namespace: &str, notes: &Notes) -> Object {
        let root = Reader::new(value, notes);
        let meta = Meta::read(kind, &root, default_namespace);
        let body = Body::read(kind, &root);
        let malformed = notes.malformed.take();
        Object {
            meta,
            unread_entries: unread_entries(value).unwrap_or_default(),
            more_malformed: notes.malformed_count.get() - malformed.len(),
            malformed,
            unknown_fields: None,
            body,
        }
    }

    /// Parses a manifest, of which fields may be unknown to the API server.
    pub fn of_manifest(kind: Kind, value: &Value, default_namespace: &str) -> Object {
        Object {
            unknown_fields: unknown_fields(kind, value),
            ..Self::parse_as(kind, value, default_namespace)
        }
    }

    /// The fields that are read of objects of the kind.
    pub fn shape(kind: Kind) -> Shape {
        let notes = Notes {
            shape: Some(RefCell::default()),
            ..Notes::default()
        };
        Self::read(kind, &Value::Null, "", &notes);
        notes.shape.unwrap_or_default().into_inner()
    }

    /// Kind, namespace and name.
    pub fn key(&self) -> &Key {
        &self.meta.key
    }

    /// Whether the field, or one that it is part of, has a wrong type.
    pub fn is_malformed(&self, field: &Path) -> bool {
        is_malformed(&self.malformed, field)
    }

    /// This object with its own `body`.
    pub fn typed<'a, T>(&'a self, body: &'a T) -> Typed<'a, T> {
        Typed {
            meta: &self.meta,
            malformed: &self.malformed,
            body,
        }
    }

    /// `None` for another kind, as of the functions that follow.
    pub fn rollout(&self) -> Option<Typed<'_, Rollout>> {
        match &self.body {
            Body::Rollout(rollout) => Some(self.typed(rollout)),
            _ => None,
        }
    }

    /// The object as a VirtualService.
    pub fn virtual_service(&self) -> Option<Typed<'_, VirtualService>> {
        match &self.body {
            Body::VirtualService(service) => Some(self.typed(service)),
            _ => None,
        }
    }

    /// The object as a DestinationRule.
    pub fn destination_rule(&self) -> Option<Typed<'_, DestinationRule>> {
        match &self.body {
            Body::DestinationRule(rule) => Some(self.typed(rule)),
            _ => None,
        }
    }

    /// The object as a Service.
    pub fn service(&self) -> Option<Typed<'_, Service>> {
        match &self.body {
            Body::Service(service) => Some(self.typed(service)),
            _ => None,
        }
    }

    /// The object as a ServiceEntry.
    pub fn service_entry(&self) -> Option<Typed<'_, ServiceEntry>> {
        match &self.body {
            Body::ServiceEntry(entry) => Some(self.typed(entry)),
            _ => None,
        }
    }

    /// The object as a Gateway.
    pub fn gateway(&self) -> Option<Typed<'_, Gateway>> {
        match &self.body {
            Body::Gateway(gateway) => Some(self.typed(gateway)),
            _ => None,
        }
    }

    /// The object as a workload or revision.
    pub fn workload(&self) -> Option<Typed<'_, Workload>> {
        match &self.body {
            Body::Workload(workload) => Some(self.typed(workload)),
            _ => None,
        }
    }
}

/// Whether a ReplicaSet belongs to a Rollout.
fn is_revision(value: &Value) -> bool {
    let labels = value.get("metadata").and_then(|meta| meta.get("labels"));
    labels.is_some_and(|labels| labels.get(HASH_LABEL).is_some())
}

/// A field at the root of an object of which only the parts are kept that are read. It holds the number of entries of
/// lists and maps that are left out because there are too many.
pub const UNREAD: &str = "rollout-guard.io/unread";

/// Whether only the parts of an object are kept that are read.
pub fn is_partial(value: &Value) -> bool {
    unread_entries(value).is_some()
}

fn unread_entries(value: &Value) -> Option<usize> {
    usize::try_from(value.get(UNREAD)?.as_u64()?).ok()
}

impl Body {
    fn read(kind: Kind, root: &Reader<'_>) -> Body {
        match kind {
            Kind::Rollout => Body::Rollout(Box::new(Rollout::read(root))),
            Kind::VirtualService => Body::VirtualService(VirtualService::read(root)),
            Kind::DestinationRule => Body::DestinationRule(DestinationRule::read(root)),
            Kind::Service => Body::Service(Service::read(root)),
            Kind::ServiceEntry => Body::ServiceEntry(ServiceEntry::read(root)),
            Kind::Deployment | Kind::ReplicaSet => {
                Body::Workload(Workload::read(&root.get("spec")))
            }
            Kind::PodTemplate => Body::Workload(Workload::read(root)),
            Kind::Revision => Body::Workload(Workload::read_revision(root)),
            Kind::Gateway => Body::Gateway(Gateway::read(root)),
            Kind::AnalysisTemplate | Kind::ClusterAnalysisTemplate => Body::AnalysisTemplate,
            Kind::Namespace => Body::Namespace,
        }
    }
}

impl<T> Typed<'_, T> {
    /// Whether the field, or one that it is part of, has a wrong type.
    pub fn is_malformed(&self, field: &Path) -> bool {
        is_malformed(self.malformed, field)
    }
}

fn is_malformed(malformed: &[Malformed], field: &Path) -> bool {
    let mut faults = malformed.iter();
    faults.any(|fault| field.starts_with(&fault.path))
}

impl<T> Clone for Typed<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Typed<'_, T> {}

impl<T> Deref for Typed<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.body
    }
}
