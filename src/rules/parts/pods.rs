//! The labels of a flow's pods, and which of the labels that a selector requires they do not have.

use super::names::quoted;
use crate::cluster::{Flow, Role, reference};
use crate::field::Path;
use crate::model::{HASH_LABEL, Key, Kind, Labels};
use crate::verdict::Finding;

/// The labels of the pods of a flow, or of one role in it.
pub struct Pods {
    /// How messages call them: `its`, `the canary's`, `the stable` pods.
    pub owner: &'static str,
    labels: Labels,
    /// The workload that `workloadRef` names, and the field with the labels in it.
    workload: Option<(Key, Path)>,
}

impl Pods {
    /// The pods with the labels of the template; `None` if these are not known.
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

    /// The pods of a role, with the labels that the controller adds and that override the template's
    /// (`SyncEphemeralPodMetadata`).
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

    /// The pods of the revision with this hash; the template may be another one already. If it is the stable one and not
    /// known, the labels that its pods are known to have in a release: those of the Rollout's
    /// selector, and those that select them now. `None` if nothing selects the pods now.
    pub fn of_revision(flow: &Flow<'_>, hash: &str, selecting: Option<&Labels>) -> Option<Self> {
        let in_progress = flow.is_in_progress();
        if hash.is_empty() || flow.rollout.meta.deleting {
            return None;
        }
        let key = reference::revision(flow.rollout, hash);
        let known = flow.view.workload(&key);
        let mut labels = match known {
            Some(revision) if in_progress || is_met(flow, selecting?) => {
                revision.body.template_labels.clone()
            }
            None if flow.canary().is_some() && hash != flow.rollout.status.stable_rs => {
                return None;
            }
            // Its pods are those of the last template that the controller saw, and may have any label of it.
            None if hash == flow.rollout.status.current_pod_hash => return None,
            None if in_progress => {
                let selecting = selecting?;
                if selecting.keys().all(|key| key == HASH_LABEL) {
                    return None;
                }
                // The selector that is there may be wrong, and select no pod.
                let mut proven = selecting.clone();
                proven.extend(flow.match_labels());
                proven
            }
            _ => return None,
        };
        let is_stable = hash == flow.rollout.status.stable_rs || flow.canary().is_none();
        let added = flow.canary().map(|canary| {
            if is_stable {
                canary.stable_labels.clone()
            } else {
                canary.canary_labels.clone()
            }
        });
        labels.extend(added.unwrap_or_default());
        Some(Self {
            owner: if is_stable {
                "the stable"
            } else {
                "the canary's"
            },
            labels,
            workload: known.map(|_| (key, Path::of(["metadata", "labels"]))),
        })
    }

    /// The required labels, without the hash, that these pods do not have or have with another value.
    pub fn unmet<'w>(&self, required: &'w Labels) -> Vec<(&'w str, &'w str)> {
        let unmet = required
            .iter()
            .filter(|(key, value)| *key != HASH_LABEL && self.labels.get(*key) != Some(value));
        unmet.map(|(k, v)| (k.as_str(), v.as_str())).collect()
    }

    /// How the pods do not have the label: `which its pods lack`, or the value that they have.
    pub fn failing(&self, key: &str) -> String {
        match self.labels.get(key) {
            None => format!("which {} pods lack", self.owner),
            Some(value) => format!("but {} pods have `{key}: {value}`", self.owner),
        }
    }

    /// How the pods of a revision do not have the label, which may not be known.
    pub fn failing_in_release(&self, key: &str) -> String {
        if self.workload.is_some() {
            self.failing(key)
        } else {
            "which nothing selected the stable pods by before".to_owned()
        }
    }

    /// Labels that select these pods in every version, as a help lists them: those in the Rollout's selector, or if
    /// there are none, all that the pods have.
    pub fn common_labels(&self, flow: &Flow<'_>) -> String {
        let selector = flow.rollout.selector.as_ref();
        let mut common = self.labels.clone();
        if let Some(required) = selector.map(|selector| &selector.match_labels) {
            common.retain(|key, value| required.get(key) == Some(value));
        }
        let all = if common.is_empty() {
            &self.labels
        } else {
            &common
        };
        let pairs: Vec<String> = all.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        quoted(pairs.iter().map(String::as_str))
    }

    /// Adds the workload to the finding if the labels are from one.
    pub fn add_workload(&self, finding: &mut Finding) {
        if let Some((key, path)) = &self.workload {
            finding.with(key, path.clone());
        }
    }
}

/// Whether pods of the template have what the selector requires. If not, the controller refuses the Rollout, and a
/// write outside a release may be the repair.
fn is_met(flow: &Flow<'_>, selector: &Labels) -> bool {
    Pods::of(flow).is_some_and(|pods| pods.unmet(selector).is_empty())
}

/// What messages say of a flow whose stable pods are not of the template.
pub fn state(flow: &Flow<'_>) -> &'static str {
    if flow.is_in_progress() {
        "is in the middle of a release"
    } else {
        "has a template that is not released yet"
    }
}

/// The field with the labels of the pods in a workload of this kind.
pub fn labels_path(kind: Kind) -> Path {
    match kind {
        Kind::PodTemplate => Path::of(["template", "metadata", "labels"]),
        _ => Path::spec(["template", "metadata", "labels"]),
    }
}

/// The help for a selector that asks for a label that older canary pods do not have.
pub const ADD_WHEN_RELEASED: &str = "wait until the pods of the new template get the traffic, then ask for the label: until \
                                     then those of the old one do";

/// The help for a selector that asks for a label that the stable pods do not have.
pub const ADD_AFTER_RELEASE: &str = "finish or abort the release, then ask for the label: until then the stable pods are \
                                     those of the old template";
