//! Service and ServiceEntry, which provide hosts.

use super::reader::{Labels, Reader};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `None` if the Service has no selector, as with manual endpoints.
    pub selector: Option<Labels>,
    pub ports: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    pub hosts: Vec<String>,
    pub ports: Vec<i64>,
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
