//! A release from its first reconcile to its promotion.

use serde_json::Value;

use super::pods::Revisions;
use crate::cluster::{Flow, View};
use crate::controller::{Target, World, reconcile};
use crate::model::{Key, Object, Status, Step};
use crate::tree::describe;

/// A point of the release.
#[derive(Clone, Debug)]
pub struct Stage {
    /// `step 2 of 6: setWeight 20`.
    pub title: String,
    /// The canary's weight, in percent.
    pub weight: i64,
    /// What of the step is not played, and what it does besides.
    pub notes: Vec<String>,
    /// The objects, as the controller leaves them.
    pub world: World,
    pub(super) revisions: Revisions,
}

/// The stages of the release of a new template; empty if the Rollout has no canary strategy.
pub fn play(world: &World, rollout: &Key) -> Vec<Stage> {
    let cluster = world.cluster();
    let object = cluster.get(rollout);
    let Some(typed) = object.and_then(Object::rollout) else {
        return Vec::new();
    };
    let flow = Flow::of(typed, View::of(&cluster));
    let Some(canary) = flow.canary() else {
        return Vec::new();
    };
    let (old, new) = revisions(&typed.status);
    let mut player = Player {
        world: world.clone(),
        rollout,
        flow,
        stages: Vec::new(),
    };
    let idle = |hash: &str| Target {
        canary_hash: hash.to_owned(),
        stable_hash: hash.to_owned(),
        ended: true,
        ..Target::default()
    };
    player.stage(
        "before".to_owned(),
        &idle(&old),
        (Some(&old), None),
        Vec::new(),
    );
    player.steps(&canary.steps, &old, &new);
    player.stage(
        "promoted".to_owned(),
        &idle(&new),
        (None, Some(&new)),
        Vec::new(),
    );
    player.stages
}

/// Collects the stages, each on the objects that the one before left.
struct Player<'a> {
    world: World,
    rollout: &'a Key,
    flow: Flow<'a>,
    stages: Vec<Stage>,
}

impl Player<'_> {
    fn steps(&mut self, steps: &[Step], old: &str, new: &str) {
        let mut scale = Scale::default();
        for (index, step) in steps.iter().enumerate() {
            scale.take(index, &self.world, self.rollout, step.set_weight);
            let pods = scale.has_pods();
            let target = Target {
                canary_hash: new.to_owned(),
                stable_hash: old.to_owned(),
                weight: if pods { scale.weight } else { 0 },
                step: Some(index),
                without_pods: !pods,
                ..Target::default()
            };
            let mut notes = Vec::new();
            if step.experiment.is_some() {
                notes.push("the experiment's own pods and weights are not played".to_owned());
            }
            if !pods {
                notes.push("the new revision has no pods yet".to_owned());
            }
            let title = format!("step {} of {}: {}", index + 1, steps.len(), describe(step));
            self.stage(title, &target, (Some(old), pods.then_some(new)), notes);
        }
    }

    fn stage(
        &mut self,
        title: String,
        target: &Target,
        (old, new): (Option<&str>, Option<&str>),
        notes: Vec<String>,
    ) {
        reconcile(&mut self.world, self.rollout, target);
        self.stages.push(Stage {
            title,
            weight: target.weight,
            notes,
            world: self.world.clone(),
            revisions: Revisions::of(&self.flow, old, new),
        });
    }
}

/// How much of the new revision runs: as much as its weight asks for, until a setCanaryScale says otherwise.
#[derive(Default)]
struct Scale {
    weight: i64,
    /// Of the setCanaryScale in force, whether it asks for pods.
    fixed: Option<bool>,
}

impl Scale {
    fn take(&mut self, index: usize, world: &World, rollout: &Key, weight: Option<i64>) {
        self.weight = weight.unwrap_or(self.weight);
        let steps = world.objects.get(rollout);
        let steps = steps.and_then(|rollout| rollout.pointer("/spec/strategy/canary/steps"));
        let step = steps.and_then(|steps| steps.get(index)?.get("setCanaryScale"));
        if let Some(scale) = step {
            self.fixed = fixed(scale);
        }
    }

    fn has_pods(&self) -> bool {
        self.fixed.unwrap_or(self.weight > 0)
    }
}

/// Whether a setCanaryScale asks for pods; `None`: it follows the weight again.
fn fixed(scale: &Value) -> Option<bool> {
    let number = |field: &str| scale.get(field).and_then(Value::as_i64);
    if scale.get("matchTrafficWeight") == Some(&Value::Bool(true)) {
        return None;
    }
    let number = number("replicas").or_else(|| number("weight"))?;
    Some(number > 0)
}

/// The hashes of the two revisions: those of the status, if there is one.
fn revisions(status: &Status) -> (String, String) {
    let old = match status.stable_rs.as_str() {
        "" => "old",
        hash => hash,
    };
    let new = match status.current_pod_hash.as_str() {
        hash if !hash.is_empty() && hash != old => hash,
        _ => "new",
    };
    (old.to_owned(), new.to_owned())
}
