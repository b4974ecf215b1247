//! The chart under the real Helm.

use crate::alone;
use crate::bed::Bed;
use crate::story::Story;

pub const STORIES: &[Story] = &[alone!(helm_test_sees_a_bad_object_refused)];

fn helm_test_sees_a_bad_object_refused(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    guard
        .helm("test rollout-guard --logs")
        .ok()
        .says("Succeeded")
        .says("the guard refused");
}
