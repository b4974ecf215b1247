//! Objects of one release, which tools apply one by one: what one of them lacks, another may bring a moment later.

use serde_json::Value;

use crate::cluster::{Flow, View};
use crate::field::{Path, Segment};
use crate::managed_fields;
use crate::model::{Key, Meta, Operation, Release, Write};
use crate::settings::Settings;
use crate::verdict::Finding;

/// What the names of kubectl's field managers begin with.
const KUBECTL: &str = "kubectl";

/// The object that brings what the finding lacks, if the Rollout of the flow is being released and the object belongs
/// to the same release. In the middle of a rollout the controller would stop where it is: nothing is pending then.
pub(super) fn pending<'f>(
    finding: &'f Finding,
    flow: &Flow<'_>,
    settings: &Settings,
) -> Option<&'f Key> {
    let awaited = finding.awaited.as_ref()?;
    let pends = settings.pending
        && finding.object == *flow.key()
        && !flow.is_in_progress()
        && are_siblings(flow.rollout.meta, awaited, &flow.view, settings);
    pends.then_some(awaited)
}

/// One write of an object, beside the others of its release.
pub(super) struct SiblingsOf<'a> {
    pub write: &'a Write,
    /// The written object as it was sent.
    pub object: &'a Value,
    /// The cluster before the write.
    pub view: View<'a>,
    pub settings: &'a Settings,
}

impl SiblingsOf<'_> {
    /// The object that must follow an UPDATE of a Rollout.
    pub fn pending<'f>(&self, finding: &'f Finding) -> Option<&'f Key> {
        let (Operation::Update, Some(old), Some(new)) =
            (self.write.operation, &self.write.old, &self.write.new)
        else {
            return None;
        };
        let (old, new) = (old.rollout()?, new.rollout()?);
        let settings = self.settings;
        let flow = Flow::of(new, self.view);
        let idle = !Flow::of(old, self.view).is_in_progress();
        pending(finding, &flow, settings).filter(|_| idle && !self.is_by_hand(&finding.path))
    }

    /// Whether somebody writes the field with kubectl, outside the release: the object still has the marks, but another
    /// manager has set them. `kubectl apply --applyset` sets them itself.
    fn is_by_hand(&self, field: &Path) -> bool {
        let field = names(field);
        let writers = managed_fields::owners(self.object, &field);
        let writers: Vec<&str> = writers.collect();
        let sets_marks = |writer: &&str| {
            let mut marks = Release::MARKS.iter();
            marks
                .any(|mark| managed_fields::owners(self.object, mark).any(|owner| owner == *writer))
        };
        !writers.is_empty()
            && writers.iter().all(|writer| writer.starts_with(KUBECTL))
            && !writers.iter().any(sets_marks)
    }

    /// The other objects of the finding, if there are any and all are of the release.
    pub fn among<'f>(&self, finding: &'f Finding) -> Option<Vec<&'f Key>> {
        let meta = &self.write.object()?.meta;
        let others = finding.others.iter().map(|(key, _)| key);
        let mut others: Vec<&Key> = std::iter::once(&finding.object)
            .chain(others)
            .filter(|key| **key != self.write.key)
            .collect();
        others.sort();
        others.dedup();
        let all = |key: &&Key| are_siblings(meta, key, &self.view, self.settings);
        (!others.is_empty() && others.iter().all(all)).then_some(others)
    }
}

/// The fields of the path up to the first list, whose elements have no names in managedFields.
fn names(path: &Path) -> Vec<&str> {
    let names = path.segments().iter().map_while(|segment| match segment {
        Segment::Field(name) => Some(*name),
        Segment::Entry(name) | Segment::Unknown(name) => Some(name.as_str()),
        Segment::Index(_) => None,
    });
    names.collect()
}

fn are_siblings(meta: &Meta, other: &Key, view: &View<'_>, settings: &Settings) -> bool {
    let label = settings.argo_cd_label.as_deref();
    let other = view.get(other);
    other.is_some_and(|other| meta.release.is_shared_with(&other.meta.release, label))
}
