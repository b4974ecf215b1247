//! The model of the controller against the controller: each of its recorded writes is what the model writes in the
//! cluster of that moment. Which pods were ready is not recorded, so one of the possible states must explain the write.

use std::collections::BTreeSet;

use rollout_guard::controller::{Target, World, clean_up, reconcile};
use rollout_guard::model::{Key, Kind};
use serde_json::{Value, json};

use crate::stories::{Step, Writer, stories};
use crate::world::progress::{Ready, target};

/// Writes that the model does not explain, each with the reason.
const OTHERWISE: [(&str, &str); 2] = [
    (
        "bluegreen-01/05-controller-update-service",
        "the preview Service is switched before the status has the new hash",
    ),
    (
        "bluegreen-01/09-controller-update-service",
        "the preview Service is switched before the status has the new hash",
    ),
];

#[test]
fn the_model_writes_what_the_controller_wrote() {
    let mut faults = Vec::new();
    let mut explained = 0;
    for step in stories().iter().flat_map(|story| &story.steps) {
        if step.writer() != Writer::Controller {
            continue;
        }
        let Some(kind) = routing_kind(step) else {
            continue;
        };
        let known = OTHERWISE.iter().any(|(name, _)| *name == step.name);
        match unexplained(step, kind) {
            None => {
                explained += 1;
                assert!(!known, "{}: the model explains it now", step.name);
            }
            Some(fault) if !known => faults.push(fault),
            Some(_) => {}
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(explained >= 100, "only {explained} writes");
}

fn routing_kind(step: &Step) -> Option<Kind> {
    let kind = step.review["request"]["kind"]["kind"].as_str()?;
    let kinds = [Kind::VirtualService, Kind::DestinationRule, Kind::Service];
    kinds.into_iter().find(|other| other.as_str() == kind)
}

/// What the model would have written instead; `None` if it writes the same.
fn unexplained(step: &Step, kind: Kind) -> Option<String> {
    let request = &step.review["request"];
    let text = |field: &str| request[field].as_str().expect("text");
    let key = Key::new(kind, text("namespace"), text("name"));
    let written = part(&request["object"]);
    let mut wrote = BTreeSet::new();
    for change in changes(step) {
        let mut world = World {
            objects: step.objects.clone(),
            ..World::default()
        };
        // What the webhook was sent is newer than what the recorder read.
        world
            .objects
            .insert(key.clone(), request["oldObject"].clone());
        change(&mut world);
        let model = part(&world.objects[&key]);
        if model == written {
            return None;
        }
        wrote.insert(model.to_string());
    }
    let wrote = Vec::from_iter(wrote);
    Some(format!(
        "{}\n  {written}\n  {}",
        step.name,
        wrote.join("\n  ")
    ))
}

type Change = Box<dyn Fn(&mut World)>;

/// All that the controller may be about to do.
fn changes(step: &Step) -> Vec<Change> {
    let mut changes: Vec<Change> = vec![Box::new(clean_up)];
    for (rollout, object) in &step.objects {
        if rollout.kind != Kind::Rollout {
            continue;
        }
        for ready in [Ready::None, Ready::Some, Ready::All] {
            // Inserted routes are removed in a write of their own, before the weights.
            for waiting in [false, true] {
                let target = Target {
                    waiting,
                    ..target(object, ready)
                };
                let rollout = rollout.clone();
                changes.push(Box::new(move |world| reconcile(world, &rollout, &target)));
            }
        }
    }
    changes
}

fn part(object: &Value) -> Value {
    let annotations = object
        .pointer("/metadata/annotations")
        .cloned()
        .unwrap_or(json!({}));
    json!({"annotations": annotations, "spec": object["spec"]})
}
