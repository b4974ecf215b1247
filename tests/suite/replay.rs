//! The stories replayed with a guard in front. Whatever the writes of people removed, after the patch the stored
//! object has the values that the controller wrote last, and every change of the people is in it.

use std::collections::BTreeMap;

use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::Value;

use crate::answer::answer;
use crate::controller_values::{differences, managed_by, users_part};
use crate::stories::{Step, Writer, stories};

#[test]
fn people_keep_their_changes_and_the_controller_its_values() {
    let mut faults = Vec::new();
    let mut patched = 0;
    for story in stories() {
        let mut replay = Replay::default();
        for step in &story.steps {
            faults.extend(replay.take(step));
        }
        patched += replay.patched;
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(patched > 100, "only {patched} writes were patched");
}

/// The objects of one story, by kind, namespace and name.
#[derive(Default)]
struct Replay {
    /// As the controller wrote them last.
    controllers: BTreeMap<String, Value>,
    /// As they would be stored with the guard in front.
    stored: BTreeMap<String, Value>,
    /// How many writes were patched.
    patched: usize,
}

impl Replay {
    fn take(&mut self, step: &Step) -> Vec<String> {
        let request = &step.review["request"];
        let key = key(request);
        if request["operation"] == "DELETE" {
            self.controllers.remove(&key);
            self.stored.remove(&key);
            return Vec::new();
        }
        if step.writer() == Writer::Person
            && request["operation"] == "UPDATE"
            && self.controllers.contains_key(&key)
        {
            return self.write(&key, step);
        }
        if step.writer() == Writer::Controller {
            self.controllers
                .insert(key.clone(), request["object"].clone());
        }
        self.stored.insert(key, request["object"].clone());
        Vec::new()
    }

    /// The write twice: over the object as it was then, perhaps without the controller's values, and as it would
    /// be if a guard had kept them.
    fn write(&mut self, key: &str, step: &Step) -> Vec<String> {
        let controllers = &self.controllers[key];
        let written = &step.review["request"]["object"];
        let inserted = inserted_routes(step);
        let mut faults = Vec::new();
        for guarded in [false, true] {
            let mut review = step.review.clone();
            if let (true, Some(stored)) = (guarded, self.stored.get(key)) {
                review["request"]["oldObject"] = stored.clone();
            }
            let Some((stored, patched)) = mutated(step, &review) else {
                continue;
            };
            let mut found = differences(&stored, controllers, &inserted);
            // Without a guard the annotation may be lost already, and nothing else has it.
            if guarded && managed_by(controllers).is_some_and(|by| managed_by(&stored) != Some(by))
            {
                found.push("the managed-by annotation is lost".to_owned());
            }
            let asked = users_part(written, written, &inserted);
            let got = users_part(&stored, written, &inserted);
            if asked != got {
                found.push(format!("asked for\n{asked:#}\ngot\n{got:#}"));
            }
            faults.extend(found.iter().map(|fault| format!("{}: {fault}", step.name)));
            self.patched += usize::from(patched);
            if guarded && review["request"]["dryRun"] != true {
                self.stored.insert(key.to_owned(), stored);
            }
        }
        faults
    }
}

fn key(request: &Value) -> String {
    let kind = &request["kind"]["kind"];
    format!("{kind} {}/{}", request["namespace"], request["name"])
}

/// The object after `/mutate`, and whether that patched it; `None` where `/validate` denies it.
fn mutated(step: &Step, review: &Value) -> Option<(Value, bool)> {
    let body = serde_json::to_vec(review).expect("JSON");
    let answer = answer(
        &body,
        Phase::MutateThenValidate,
        &step.cluster,
        &Settings::default(),
    );
    let decision = answer.expect("an answer").decision;
    if decision.is_denied() {
        return None;
    }
    let patched = decision.mutation.is_some_and(|one| one.patches());
    Some((decision.request.object, patched))
}

/// The names in any Rollout's `managedRoutes`.
fn inserted_routes(step: &Step) -> Vec<String> {
    let objects = step.cluster.keys().filter_map(|key| step.cluster.get(key));
    let names = objects.filter_map(|object| Some(object.rollout()?.body.managed_routes()));
    names.flatten().cloned().collect()
}
