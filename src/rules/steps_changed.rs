//! The canary steps, or the selector, change during a release.
//!
//! ## What
//! An UPDATE of a Rollout whose release is in progress changes or removes its `steps`, and does not change the pod
//! template. The rule reports a warning.
//!
//! With a controller before 1.9 (setting `argoVersion`), an UPDATE changes `spec.selector` so that it does not match the
//! stable ReplicaSet. The rule reports an error during a release, and a warning without one or if the labels of the
//! ReplicaSet are not known. Since 1.9 the API server refuses a changed selector.
//!
//! ## Why
//! The controller keeps a hash of the steps. If it changes, the release starts again at step 0: the canary's weight
//! drops, and approved pauses are asked for again (`checkStepHashChange`, `ResetCurrentStepIndex`). Without steps the
//! canary gets all traffic at once, whatever pause the release is in.
//!
//! The controller gives up a ReplicaSet that `spec.selector` does not match (`ClaimReplicaSets`). Its pods stay, and
//! nobody scales them down. Without a stable ReplicaSet the new version counts as a first deployment, and is promoted at
//! once (`shouldFullPromote`).
//!
//! ## Example
//! ```yaml
//! # Rollout app, paused at 5 %
//! steps: [{setWeight: 5}, {pause: {}}]    # before
//! steps: []                               # the write
//! ```
//!
//! ## Fix
//! Finish or abort the release, then change the steps. Keep the selector: the labels of the template can change without
//! it. Another selector needs another Rollout.

use crate::cluster::{Flow, View, reference};
use crate::field::Path;
use crate::model::{Key, Labels, Object, Operation, Rollout, Typed, Write};
use crate::verdict::{Cause, Findings, message};

rule!(RG113, Both, Write(check), reads = [Revision]);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let [old, new] =
        [&write.old, &write.new].map(|object| object.as_ref().and_then(Object::rollout));
    if let (Operation::Update, Some(old), Some(new)) = (write.operation, old, new) {
        let flow = Flow::of(old, *view);
        check_steps(&flow, new, found);
        check_selector(&flow, new, found);
    }
}

fn check_steps(flow: &Flow<'_>, new: Typed<'_, Rollout>, found: &mut Findings<'_>) {
    let (Some(before), Some(after)) = (flow.canary(), &new.canary) else {
        return;
    };
    // Another template starts a release of its own, from step 0.
    let is_release = flow.rollout.template_digest != new.template_digest;
    let same = before.steps_digest == after.steps_digest;
    if same || before.steps.is_empty() || is_release || !flow.is_in_progress() {
        return;
    }
    let what = if after.steps.is_empty() {
        "removes the steps: the canary gets all traffic at once"
    } else {
        "changes the steps: the release starts again at step 0"
    };
    let message = message!(
        "{} is in the middle of a release, and this write {what}",
        flow.key()
    );
    found
        .warning(
            flow.key(),
            Path::spec(["strategy", "canary", "steps"]),
            message,
        )
        .subject("steps")
        .help("finish or abort the release, then change the steps")
        .cause(Cause::Forbidden);
}

fn check_selector(flow: &Flow<'_>, new: Typed<'_, Rollout>, found: &mut Findings<'_>) {
    let (Some(before), Some(after)) = (&flow.rollout.selector, &new.selector) else {
        return;
    };
    let stable = &flow.rollout.status.stable_rs;
    let takes_it = !flow.argo().refuses_changed_selectors();
    if before == after || after.is_empty() || stable.is_empty() || !takes_it {
        return;
    }
    let key = reference::revision(flow.rollout, stable);
    let known = stable_labels(flow, &key);
    let labels = known.unwrap_or(&before.match_labels);
    // What the old selector does not match is given up already.
    if after.matches(labels) || !before.matches(labels) {
        return;
    }
    let pods = match known {
        Some(_) => "does not match the stable ReplicaSet",
        None => "may not match the stable ReplicaSet, whose labels are not known",
    };
    let path = Path::spec(["selector"]);
    let message = message!("{} gets another selector", flow.key())
        .with_field(&path)
        .text(format!(
            ", which {pods}: the controller gives up its pods and promotes the new version at once"
        ));
    let finding = match known {
        Some(_) if flow.is_in_progress() => found.error(flow.key(), path, message),
        _ => found.warning(flow.key(), path, message),
    };
    finding
        .subject("selector")
        .help(
            "keep the selector: the labels of the template can change without it; another selector needs \
             another Rollout",
        )
        .cause(Cause::Forbidden);
    if flow.view.get(&key).is_some() {
        finding.with(&key, Path::of(["metadata", "labels"]));
    }
}

/// The labels of the stable ReplicaSet. Without a release they are those of the template.
fn stable_labels<'a>(flow: &Flow<'a>, key: &Key) -> Option<&'a Labels> {
    let known = flow.view.workload(key);
    let template = (!flow.is_in_progress())
        .then(|| flow.pod_labels())
        .flatten();
    known.map(|known| &known.body.template_labels).or(template)
}
