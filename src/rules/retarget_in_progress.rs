//! A Rollout's references change during a release.
//!
//! ## What
//! An UPDATE changes `trafficRouting.istio`, `managedRoutes` or one of the six Services of a Rollout whose release is
//! in progress, so that they resolve to another object or list. Another spelling of the same reference is not a
//! change.
//!
//! It is a warning if the write can be a rollback or a repair: it also changes `spec.template` or `workloadRef`,
//! there is a `workloadRef` (the template is in another object), the flow already had an error, entries are only
//! added to a list, or a role that had no Service gets one.
//!
//! ## Why
//! The controller uses the new objects at once, in the middle of the release. It removes the hashes from Services and
//! DestinationRules that no Rollout names any more, but the weights of the old VirtualService stay at the canary's
//! share; nothing resets them.
//!
//! ## Example
//! ```yaml
//! # Rollout app, at 5 %
//! virtualService: {name: app}       # before
//! virtualService: {name: app-new}   # the write
//! ```
//!
//! ## Fix
//! Finish or abort the release, then change the reference.

use super::judge;
use super::parts::reference_changes::{ReferenceChange, reference_changes};
use crate::cluster::{Flow, View};
use crate::model::{Key, Object, Operation, Rollout, Typed, Write};
use crate::verdict::{Cause, Findings, Severity, message};

rule!(
    RG702,
    Both,
    Write(check),
    reads = [
        Rollout,
        VirtualService,
        DestinationRule,
        Service,
        Namespace,
        Revision
    ]
);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let [old, new] =
        [&write.old, &write.new].map(|object| object.as_ref().and_then(Object::rollout));
    let (Operation::Update, Some(old), Some(new)) = (write.operation, old, new) else {
        return;
    };
    let old_flow = Flow::of(old, *view);
    if !old_flow.is_in_progress() {
        return;
    }
    let changes = reference_changes(&old_flow, &Flow::of(new, *view));
    if changes.is_empty() {
        return;
    }
    let may_repair = is_release(old, new) || was_in_error(view, &write.key);
    for change in changes {
        report(&write.key, change, may_repair, found);
    }
}

fn report(key: &Key, change: ReferenceChange, may_repair: bool, found: &mut Findings<'_>) {
    let verb = if change.only_adds {
        "adds to"
    } else {
        "changes"
    };
    let message = message!(
        "{key} is in the middle of a release, and this write {verb} `{}`",
        change.path
    );
    let subject = change.path.to_string();
    let finding = if may_repair || change.only_adds {
        found.warning(key, change.path, message)
    } else {
        found.error(key, change.path, message)
    };
    finding
        .subject(subject)
        .help(
            "finish or abort the release, then move the reference: the controller follows it at once, \
             and the weights of an old VirtualService stay as they are",
        )
        .cause(Cause::Forbidden);
}

/// Whether the write may also change the version, as a rollback does.
fn is_release(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> bool {
    let by_reference = old.workload_ref.is_some() || new.workload_ref.is_some();
    by_reference || old.template_digest != new.template_digest
}

/// Whether the flow already had a fault, which the write may repair.
fn was_in_error(before: &View<'_>, key: &Key) -> bool {
    let findings = judge(before, key);
    findings.iter().any(|finding| {
        let code = finding.rule.code;
        let of_flow = FLOW_RULES.iter().any(|prefix| code.starts_with(prefix));
        of_flow && (finding.severity == Severity::Error || finding.missing)
    })
}

/// The codes of the rules on a Rollout and what it names.
const FLOW_RULES: [&str; 4] = ["RG1", "RG2", "RG3", "RG4"];
