//! What rules ask of a flow's pods: which labels they have, and what one wants that they lack.

use super::names::quoted;
use crate::cluster::{Flow, Role, reference};
use crate::field::Path;
use crate::model::{HASH_LABEL, Key, Kind, Labels};
use crate::verdict::Finding;

/// The pods of a flow, or of one role in it, by their labels.
pub struct Pods {
    owner: &'static str,
    labels: Labels,
    /// The workload that a `workloadRef` takes the labels from, and where they stand there.
    workload: Option<(Key, Path)>,
}

impl Pods {
    /// The pods as the template has them; `None` where their labels are unknown.
    pub fn of(flow: &Flow<'_>) -> Option<Self> {
        Some(Self {
            owner: "its",
            labels: flow.pod_labels()?.clone(),
            workload: reference::workload(flow.rollout).map(|key| {
                let path = labels_path(key.kind);
                (key, path)
            }),
        })
    }

    /// The pods of a role, with the labels that the controller puts on them beside and over the
    /// template's (`SyncEphemeralPodMetadata`).
    pub fn of_role(flow: &Flow<'_>, role: Role) -> Option<Self> {
        let mut pods = Self::of(flow)?;
        let canary = flow.canary()?;
        let (owner, added) = match role {
            Role::Canary => ("the canary's", &canary.canary_labels),
            Role::Stable => ("the stable", &canary.stable_labels),
            Role::Experiment | Role::Additional => return None,
        };
        pods.owner = owner;
        pods.labels.extend(added.clone());
        Some(pods)
    }

    /// The wanted labels, the hash aside, that these pods lack or contradict.
    pub fn unmet<'w>(&self, wanted: &'w Labels) -> Vec<(&'w str, &'w str)> {
        let unmet = wanted
            .iter()
            .filter(|(key, value)| *key != HASH_LABEL && self.labels.get(*key) != Some(value));
        unmet.map(|(k, v)| (k.as_str(), v.as_str())).collect()
    }

    /// How they fail the label: `which its pods lack`, or with the value that they have.
    pub fn failing(&self, key: &str) -> String {
        match self.labels.get(key) {
            None => format!("which {} pods lack", self.owner),
            Some(value) => format!("but {} pods have `{key}: {value}`", self.owner),
        }
    }

    /// Labels that select these pods in every version, as a message lists them: those of the Rollout's
    /// selector, else all that they have.
    pub fn lasting(&self, flow: &Flow<'_>) -> String {
        let selector = flow.rollout.selector.as_ref();
        let mut lasting = self.labels.clone();
        if let Some(wanted) = selector.map(|selector| &selector.match_labels) {
            lasting.retain(|key, value| wanted.get(key) == Some(value));
        }
        let all = if lasting.is_empty() {
            &self.labels
        } else {
            &lasting
        };
        let pairs: Vec<String> = all.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        quoted(pairs.iter().map(String::as_str))
    }

    /// Notes in the finding that it rests on the workload's template, if on one.
    pub fn rest(&self, finding: &mut Finding) {
        if let Some((key, path)) = &self.workload {
            finding.with(key, path.clone());
        }
    }
}

/// Where the labels of the pods are in a workload of the kind.
pub fn labels_path(kind: Kind) -> Path {
    match kind {
        Kind::PodTemplate => Path::of(["template", "metadata", "labels"]),
        _ => Path::spec(["template", "metadata", "labels"]),
    }
}
