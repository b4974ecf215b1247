//! The pods of the two revisions, and which of them labels select.

use crate::cluster::Flow;
use crate::model::{HASH_LABEL, Labels};

/// Which pods answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pods {
    /// Only those of the revision that serves.
    Old,
    /// Only those of the revision that is released.
    New,
    /// Those of both, as they come.
    Both,
}

/// The labels of the pods of both revisions.
#[derive(Clone, Debug)]
pub struct Revisions {
    /// `None` when there are no pods of it any more.
    old: Option<Labels>,
    /// `None` while there are no pods of it.
    new: Option<Labels>,
}

impl Revisions {
    /// The pods that have these labels. `None`: there are none of that revision.
    pub fn new(old: Option<Labels>, new: Option<Labels>) -> Self {
        Self { old, new }
    }

    /// The pods of a flow. Both revisions have the labels of the template: another one is not known.
    pub fn of(flow: &Flow<'_>, old: Option<&str>, new: Option<&str>) -> Self {
        let canary = flow.canary();
        let labels = |hash: &str, added: Option<&Labels>| {
            let mut labels = flow.pod_labels().cloned().unwrap_or_default();
            labels.extend(
                added
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
            labels.insert(HASH_LABEL.to_owned(), hash.to_owned());
            labels
        };
        Self {
            old: old.map(|old| labels(old, canary.map(|canary| &canary.stable_labels))),
            new: new.map(|new| labels(new, canary.map(|canary| &canary.canary_labels))),
        }
    }

    /// The pods that all selectors select.
    pub fn selected(&self, selectors: &[&Labels]) -> Option<Pods> {
        let takes = |labels: &Labels| {
            let mut pairs = selectors.iter().flat_map(|selector| selector.iter());
            pairs.all(|(name, value)| labels.get(name) == Some(value))
        };
        let (old, new) = (self.old.as_ref(), self.new.as_ref());
        match (old.is_some_and(takes), new.is_some_and(takes)) {
            (true, true) => Some(Pods::Both),
            (true, false) => Some(Pods::Old),
            (false, true) => Some(Pods::New),
            (false, false) => None,
        }
    }
}

impl Pods {
    /// `old pods`.
    pub fn as_str(self) -> &'static str {
        match self {
            Pods::Old => "old pods",
            Pods::New => "new pods",
            Pods::Both => "old and new pods",
        }
    }
}
