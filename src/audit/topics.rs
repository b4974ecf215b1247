//! What the audit reports, and on which Rollouts: a finding on a Rollout is reported there, a finding on another object
//! on the Rollouts that use the object.

use crate::api::events::EventContent;
use crate::cluster::{Cluster, View};
use crate::decide::AuditState;
use crate::model::{ALLOW, Key, Kind};
use crate::verdict::{Finding, Severity};

/// One problem that is reported on one Rollout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic {
    pub rollout: Key,
    /// The rule's code, or the annotation that was left behind.
    pub about: &'static str,
    pub object: Key,
    pub subject: String,
}

pub(super) fn topics(state: &AuditState, cluster: &Cluster) -> Vec<(Topic, EventContent)> {
    let view = View::of(cluster);
    let findings = state
        .findings()
        .filter(|finding| is_due(finding))
        .flat_map(|finding| finding_topics(finding, &view));
    let allowing = state.allowing();
    let allowing = allowing.flat_map(|(key, allowed)| annotation_topics(key, allowed, &view));
    findings.chain(allowing).collect()
}

/// What is pending is reported when it is overdue, and is an error then.
pub(super) fn is_due(finding: &Finding) -> bool {
    !finding.pending || finding.severity == Severity::Error
}

fn finding_topics(finding: &Finding, view: &View<'_>) -> Vec<(Topic, EventContent)> {
    let topic = |rollout| Topic {
        rollout,
        about: finding.rule.code,
        object: finding.object.clone(),
        subject: finding.subject.clone(),
    };
    let note = format!(
        "{} ({}): {}; {}",
        finding.rule,
        finding.severity.as_str(),
        finding.message,
        finding.help
    );
    let content = EventContent {
        reason: "RolloutGuardFinding",
        action: "Audit",
        note,
        urgent: finding.severity == Severity::Error,
    };
    on_rollouts(&finding.object, view, topic, &content)
}

fn annotation_topics(key: &Key, allowed: &[String], view: &View<'_>) -> Vec<(Topic, EventContent)> {
    let subject = allowed.join(",");
    let content = EventContent {
        reason: "RolloutGuardAllow",
        action: "Audit",
        note: format!(
            "{key} carries the annotation `{ALLOW}: {subject}`, so that its writes are not held to these; \
             remove it once the incident is over"
        ),
        urgent: true,
    };
    let topic = |rollout| Topic {
        rollout,
        about: ALLOW,
        object: key.clone(),
        subject: subject.clone(),
    };
    on_rollouts(key, view, topic, &content)
}

fn on_rollouts(
    object: &Key,
    view: &View<'_>,
    topic: impl Fn(Key) -> Topic,
    content: &EventContent,
) -> Vec<(Topic, EventContent)> {
    let rollouts = rollouts_of(object, view).into_iter();
    rollouts
        .map(|rollout| (topic(rollout), content.clone()))
        .collect()
}

/// The object itself if it is a Rollout, else the Rollouts that use it.
pub fn rollouts_of(object: &Key, view: &View<'_>) -> Vec<Key> {
    if object.kind == Kind::Rollout {
        return vec![object.clone()];
    }
    let rollouts = view.rollouts_using(object).into_iter();
    rollouts
        .filter(|rollout| !rollout.meta.deleting)
        .map(|rollout| rollout.meta.key.clone())
        .collect()
}
