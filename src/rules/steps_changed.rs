//! The canary steps change during a release.
//!
//! ## What
//! An UPDATE changes or removes `steps` of a Rollout whose release is in progress, and does not change the pod
//! template. The rule reports a warning.
//!
//! ## Why
//! The controller keeps a hash of the steps. If it changes, the release starts again at step 0: the canary's weight
//! drops, and approved pauses are asked for again (`checkStepHashChange`, `ResetCurrentStepIndex`). Without steps the
//! canary gets all traffic at once, whatever pause the release is in.
//!
//! ## Example
//! ```yaml
//! # Rollout app, paused at 5 %
//! steps: [{setWeight: 5}, {pause: {}}]    # before
//! steps: []                               # the write
//! ```
//!
//! ## Fix
//! Finish or abort the release, then change the steps.

use crate::cluster::{Flow, View};
use crate::field::Path;
use crate::model::{Object, Operation, Write};
use crate::verdict::{Cause, Findings, message};

rule!(RG113, Warning, Write(check));

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let [old, new] =
        [&write.old, &write.new].map(|object| object.as_ref().and_then(Object::rollout));
    let (Operation::Update, Some(old), Some(new)) = (write.operation, old, new) else {
        return;
    };
    let (Some(before), Some(after)) = (&old.canary, &new.canary) else {
        return;
    };
    // Another template starts a release of its own, from step 0.
    let is_release = old.template_digest != new.template_digest;
    let same = before.steps_digest == after.steps_digest;
    if same || before.steps.is_empty() || is_release || !Flow::of(old, *view).is_in_progress() {
        return;
    }
    let what = if after.steps.is_empty() {
        "removes the steps: the canary gets all traffic at once"
    } else {
        "changes the steps: the release starts again at step 0"
    };
    let message = message!(
        "{} is in the middle of a release, and this write {what}",
        write.key
    );
    found
        .warning(
            &write.key,
            Path::spec(["strategy", "canary", "steps"]),
            message,
        )
        .subject("steps")
        .help("finish or abort the release, then change the steps")
        .cause(Cause::Forbidden);
}
