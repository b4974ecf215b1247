//! A Rollout is pointed elsewhere in the middle of a release.
//!
//! ## What
//! An UPDATE changes `trafficRouting.istio`, `managedRoutes` or one of the six Services of a Rollout
//! whose release is in progress: another object or another list, not another way to write the same.
//! It is a warning, since it may be the rollback or the repair, when the same write changes
//! `spec.template` or `workloadRef`, when there is a `workloadRef` at all (the template's change is in
//! another object), when the flow was in error before, and where entries are only added to a list.
//!
//! ## Why
//! The controller turns to the new objects at once and leaves the old ones as they are: weights stay at
//! the canary's share, hashes stay in subsets and selectors, and nobody takes them back.
//!
//! ## Example
//! ```yaml
//! # Rollout app, at 5 %
//! virtualService: {name: app}       # before
//! virtualService: {name: app-new}   # the write
//! ```
//!
//! ## Fix
//! Finish or abort the release, then move the reference.

use super::judge;
use super::parts::retarget::{Retarget, retargets};
use crate::cluster::{Flow, View};
use crate::model::{Key, Object, Operation, Rollout, Typed, Write};
use crate::verdict::{Cause, Findings, Severity, message};

rule!(
    RG702,
    Both,
    Write(check),
    reads = [Rollout, VirtualService, DestinationRule, Service]
);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let [old, new] =
        [&write.old, &write.new].map(|object| object.as_ref().and_then(Object::rollout));
    let (Operation::Update, Some(old), Some(new)) = (write.operation, old, new) else {
        return;
    };
    let was = Flow::of(old, *view);
    if !was.is_in_progress() {
        return;
    }
    let retargets = retargets(&was, &Flow::of(new, *view));
    if retargets.is_empty() {
        return;
    }
    let excused = is_release(old, new) || was_in_error(view, &write.key);
    for retarget in retargets {
        report(&write.key, retarget, excused, found);
    }
}

fn report(key: &Key, retarget: Retarget, excused: bool, found: &mut Findings<'_>) {
    let verb = if retarget.added { "adds to" } else { "changes" };
    let message = message!(
        "{key} is in the middle of a release, and this write {verb} `{}`",
        retarget.path
    );
    let subject = retarget.path.to_string();
    let finding = if excused || retarget.added {
        found.warning(key, retarget.path, message)
    } else {
        found.error(key, retarget.path, message)
    };
    finding
        .subject(subject)
        .help(
            "finish or abort the release, then move the reference: what the controller wrote into \
             the old objects stays there",
        )
        .cause(Cause::Forbidden);
}

/// Whether the write may bring another version too, as a rollback does.
fn is_release(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> bool {
    let by_reference = old.workload_ref.is_some() || new.workload_ref.is_some();
    by_reference || old.template_digest != new.template_digest
}

/// Whether the flow had a fault before the write that it may repair.
fn was_in_error(before: &View<'_>, key: &Key) -> bool {
    let faults = judge(before, key);
    faults.iter().any(|fault| {
        let of_flow = ["RG1", "RG2", "RG3", "RG4"];
        let counts = of_flow.iter().any(|code| fault.rule.code.starts_with(code));
        counts && (fault.severity == Severity::Error || fault.missing)
    })
}
