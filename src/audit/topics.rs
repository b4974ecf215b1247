//! What there is to tell of, and on which Rollouts: a finding on a Rollout to itself, one on another object to
//! the Rollouts that use the object.

use crate::api::events::Words;
use crate::cluster::{Cluster, View};
use crate::decide::Standing;
use crate::model::{ALLOW, Key, Kind};
use crate::verdict::{Finding, Severity};

/// One thing to tell on one Rollout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic {
    pub rollout: Key,
    /// The rule's code, or the annotation that was left behind.
    pub about: &'static str,
    pub object: Key,
    pub subject: String,
}

pub(super) fn topics(standing: &Standing, cluster: &Cluster) -> Vec<(Topic, Words)> {
    let view = View::of(cluster);
    let findings = standing
        .findings()
        .flat_map(|finding| of_finding(finding, &view));
    let allowing = standing.allowing();
    let allowing = allowing.flat_map(|(key, words)| of_annotation(key, words, &view));
    findings.chain(allowing).collect()
}

fn of_finding(finding: &Finding, view: &View<'_>) -> Vec<(Topic, Words)> {
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
    let words = Words {
        reason: "RolloutGuardFinding",
        action: "Audit",
        note,
        urgent: finding.severity == Severity::Error,
    };
    each(&finding.object, view, topic, &words)
}

fn of_annotation(key: &Key, allowed: &[String], view: &View<'_>) -> Vec<(Topic, Words)> {
    let subject = allowed.join(",");
    let words = Words {
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
    each(key, view, topic, &words)
}

fn each(
    object: &Key,
    view: &View<'_>,
    topic: impl Fn(Key) -> Topic,
    words: &Words,
) -> Vec<(Topic, Words)> {
    let rollouts = concerned(object, view).into_iter();
    rollouts
        .map(|rollout| (topic(rollout), words.clone()))
        .collect()
}

/// The object itself if it is a Rollout, else those whose flow it belongs to.
pub fn concerned(object: &Key, view: &View<'_>) -> Vec<Key> {
    if object.kind == Kind::Rollout {
        return vec![object.clone()];
    }
    let rollouts = view.rollouts_using(object).into_iter();
    rollouts
        .filter(|rollout| !rollout.meta.deleting)
        .map(|rollout| rollout.meta.key.clone())
        .collect()
}
