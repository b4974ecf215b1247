//! No stored revision of a flow has another value than the controller's last one, however often the files are
//! applied again, in every way and state. Without rollout-guard many do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::alone;
use crate::api::text;
use crate::authors::Authors;
use crate::bed::Bed;
use crate::flow::{ControllerValues, FLOWS, KINDS, ROLLOUTS, Tally, start_canaries};
use crate::nodes::Pods;
use crate::reapply::{self, Way};
use crate::record::Recording;
use crate::story::{Story, side_by_side};
use crate::world::World;

pub const STORIES: &[Story] = &[alone!(re_applies_change_no_stored_value)];

fn re_applies_change_no_stored_value(bed: &Bed) {
    let began = Instant::now();
    let count = if bed.long { LONG } else { SHORT };
    let guarded = || Applying::begin(World::new(bed, "zero-flap"));
    let control = || Applying::begin(World::without_guard(bed, "zero-flap-control"));
    let (mut guarded, mut control) = side_by_side(guarded, control);
    let mut both = |apply: &(dyn Fn(&mut Applying) + Sync)| {
        side_by_side(|| apply(&mut guarded), || apply(&mut control));
    };

    both(&|applying| applying.again(count / 4));
    both(&|applying| applying.in_an_incident(count / 4));
    assert!(bed.rollouts.stop(Duration::from_secs(20)), "it ends");
    both(&|applying| applying.again(count / 4));
    bed.rollouts.start_again();
    both(&|applying| applying.during_an_abort(count - count / 4 * 3));

    guarded.until_aborted_and_kept();
    let (guarded, control) = (guarded.end(), control.end());
    eprintln!(
        "e2e: {count} re-applies: with the guard: {} of {} stored revisions wrong; without: {} of {} \
         (beside {} and {} of the controller's; {:.0} s)",
        guarded.wrong.len(),
        guarded.stored,
        control.wrong.len(),
        control.stored,
        guarded.by_controller,
        control.by_controller,
        began.elapsed().as_secs_f32()
    );
    assert!(guarded.wrong.is_empty(), "{}", guarded.wrong.join("\n"));
    assert!(
        guarded.stored >= count / 4,
        "what the user changes is stored"
    );
    assert!(
        !control.wrong.is_empty(),
        "without the guard nothing was wiped, so the story shows nothing"
    );
}

/// Applies the files of two flows again and again during a canary.
struct Applying<'a> {
    world: World<'a>,
    manifests: Vec<Value>,
    expected: ControllerValues,
    recording: Recording,
    done: usize,
}

impl<'a> Applying<'a> {
    fn begin(world: World<'a>) -> Self {
        start_canaries(&world);
        let mut manifests = reapply::manifests(&world, FLOWS);
        let expected = ControllerValues::of(&world, &manifests);
        manifests.retain(|manifest| expected.has(manifest));
        let kinds: Vec<&str> = KINDS.iter().copied().chain(["Rollout"]).collect();
        let recording = world.record(&kinds);
        Self {
            world,
            manifests,
            expected,
            recording,
            done: 0,
        }
    }

    /// Each object in each way, every second time with a change by the user.
    fn again(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.done;
            self.done += 1;
            let (round, object) = (number / self.manifests.len(), number % self.manifests.len());
            let manifest = &mut self.manifests[object];
            if (round + object) % 2 == 0 {
                change(manifest, number);
            }
            let way = Way::ALL[round % Way::ALL.len()];
            if number % SAMPLE == SAMPLE / 2 {
                let ran = way.by_kubectl(&self.world, manifest);
                assert!(ran.code == 0 || ran.stderr.contains(CONFLICT), "{ran}");
            } else if let Err(error) = way.write(&self.world, manifest, false) {
                let met = error.to_string();
                assert!(met.contains(CONFLICT), "{way:?} of {manifest}: {met}");
            }
        }
    }

    fn in_an_incident(&mut self, count: usize) {
        self.world.set_pods(Pods::Unready);
        self.again(count);
        self.world.set_pods(Pods::Ready);
    }

    /// Some before the abort, some while the controller reverts everything, the rest after.
    fn during_an_abort(&mut self, count: usize) {
        self.again(count / 4);
        for rollout in ROLLOUTS {
            self.world.argo(&format!("abort {rollout}")).ok();
            self.again(count / 4);
        }
        self.again(count - count / 4 * 3);
    }

    fn until_aborted_and_kept(&mut self) {
        self.world.until_weights("app07", "primary", &[0, 100]);
        self.world.until_weights("shop", "primary", &[100, 0]);
        self.again(2 * self.manifests.len());
        for manifest in &self.manifests {
            let stored = self
                .world
                .read(text(manifest, "/kind"), text(manifest, "/metadata/name"));
            let changed = changed(manifest);
            assert_eq!(
                stored.pointer(changed),
                manifest.pointer(changed),
                "{stored:#}"
            );
        }
    }

    fn end(self) -> Tally {
        let recorded = self.recording.stop(self.world.bed);
        let authors = Authors::read(self.world.bed, &self.world.namespace);
        self.expected.judge(&recorded, &authors)
    }
}

/// A valid change of a field that only the user owns.
fn change(manifest: &mut Value, number: usize) {
    let value = match text(manifest, "/kind") {
        "VirtualService" => json!(format!("{}s", number + 1)),
        "DestinationRule" => json!({"connectionPool": {"tcp": {"maxConnections": number + 1}}}),
        _ => json!(8000 + number),
    };
    let (parent, field) = changed(manifest).rsplit_once('/').expect("a pointer");
    let (parent, field) = (parent.to_owned(), field.to_owned());
    manifest.pointer_mut(&parent).expect("it is in the file")[field] = value;
}

fn changed(manifest: &Value) -> &'static str {
    match text(manifest, "/kind") {
        "VirtualService" => "/spec/http/0/timeout",
        "DestinationRule" => "/spec/trafficPolicy",
        _ => "/spec/ports/0/targetPort",
    }
}

const LONG: usize = 1000;
const SHORT: usize = 60;
/// One in this many runs the real kubectl.
const SAMPLE: usize = 12;
/// The API server's error when the controller writes faster than a client can replace: after an abort the controller
/// switches the canary Service back and forth as long as canary Pods exist (argo-rollouts 1.10.1,
/// `reconcileTrafficRouting` against `reconcileStableAndCanaryService`).
const CONFLICT: &str = "the object has been modified";
