//! A Deployment, ReplicaSet or PodTemplate that a `workloadRef` may name, or a Rollout's ReplicaSet: only its template's
//! labels.

use super::reader::{Labels, Reader};

/// What has a pod template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// What its pods have, without what the controller adds.
    pub template_labels: Labels,
}

impl Workload {
    /// Reads a Rollout's ReplicaSet, which has the labels of its template.
    pub(super) fn read_revision(root: &Reader<'_>) -> Self {
        let labels = root.get("metadata").get("labels").labels();
        Self {
            template_labels: labels.unwrap_or_default(),
        }
    }

    /// Reads the object that holds `template`: the spec, or a PodTemplate itself.
    pub(super) fn read(holder: &Reader<'_>) -> Self {
        let template = holder.get("template");
        let template_meta = template.get("metadata");
        Self {
            template_labels: template_meta.get("labels").labels().unwrap_or_default(),
        }
    }
}
