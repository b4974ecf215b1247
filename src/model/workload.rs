//! A Deployment, ReplicaSet or PodTemplate that a `workloadRef` may name: its template's labels alone.

use super::reader::{Labels, Malformed, Reader};
use super::{Kind, Meta};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub meta: Meta,
    pub template_labels: Labels,
    pub malformed: Vec<Malformed>,
}

impl Workload {
    pub(super) fn read(meta: Meta, root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        let template = match meta.key.kind {
            Kind::PodTemplate => root.get("template"),
            _ => spec.get("template"),
        };
        let template_meta = template.get("metadata");
        let template_labels = template_meta.get("labels").labels().unwrap_or_default();
        Self {
            meta,
            template_labels,
            malformed: Vec::new(),
        }
    }
}
