//! Service, ServiceEntry, Gateway and Namespace: what others refer to.

use super::Meta;
use super::reader::{Labels, Malformed, Reader};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub meta: Meta,
    /// `None` where the Service has no selector, as for manual endpoints.
    pub selector: Option<Labels>,
    pub ports: Vec<i64>,
    pub malformed: Vec<Malformed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    pub meta: Meta,
    pub hosts: Vec<String>,
    pub ports: Vec<i64>,
    pub export_to: Vec<String>,
    pub malformed: Vec<Malformed>,
}

/// Metadata only: that the Gateway is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub meta: Meta,
    pub malformed: Vec<Malformed>,
}

/// Metadata only: the enforce label and whether it is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    pub meta: Meta,
    pub malformed: Vec<Malformed>,
}

impl Service {
    pub(super) fn read(meta: Meta, root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        Self {
            meta,
            selector: spec.get("selector").labels(),
            ports: numbers(&spec.get("ports"), "port"),
            malformed: Vec::new(),
        }
    }
}

impl ServiceEntry {
    pub(super) fn read(meta: Meta, root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        Self {
            meta,
            hosts: spec.get("hosts").strings().unwrap_or_default(),
            ports: numbers(&spec.get("ports"), "number"),
            export_to: spec.get("exportTo").strings().unwrap_or_default(),
            malformed: Vec::new(),
        }
    }
}

impl Gateway {
    pub(super) fn read(meta: Meta) -> Self {
        Self {
            meta,
            malformed: Vec::new(),
        }
    }
}

impl Namespace {
    pub(super) fn read(meta: Meta) -> Self {
        Self {
            meta,
            malformed: Vec::new(),
        }
    }
}

fn numbers(ports: &Reader<'_>, field: &'static str) -> Vec<i64> {
    let numbers = ports.objects(|port| port.get(field).int());
    numbers.into_iter().flatten().flatten().collect()
}
