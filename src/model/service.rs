//! Service and ServiceEntry, which provide hosts.

use super::reader::{Labels, Reader};

/// A Service, whose hash the controller writes into the selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `None` if the Service has no selector, as with manual endpoints.
    pub selector: Option<Labels>,
    /// The `port` of each, not the target port.
    pub ports: Vec<i64>,
}

/// A ServiceEntry, which provides hosts outside of Services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    /// As they are written, also wildcards.
    pub hosts: Vec<String>,
    /// The `number` of each.
    pub ports: Vec<i64>,
    /// Namespaces, `.` or `*`; empty: all.
    pub export_to: Vec<String>,
}

impl Service {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        Self {
            selector: spec.get("selector").labels(),
            ports: numbers(&spec.get("ports"), "port"),
        }
    }
}

impl ServiceEntry {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        Self {
            hosts: spec.get("hosts").strings().unwrap_or_default(),
            ports: numbers(&spec.get("ports"), "number"),
            export_to: spec.get("exportTo").strings().unwrap_or_default(),
        }
    }
}

fn numbers(ports: &Reader<'_>, field: &'static str) -> Vec<i64> {
    let numbers = ports.objects(|port| port.get(field).int());
    numbers.into_iter().flatten().flatten().collect()
}
