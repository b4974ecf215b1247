//! A small cluster that people write to with the guard in front and the controller behind: each write is mutated,
//! judged and stored as the API server does it, then every Rollout is reconciled.

use std::collections::BTreeMap;

use rollout_guard::controller::{Target, World, clean_up, reconcile};
use rollout_guard::decide::{Action, audit, decide};
use rollout_guard::model::{Key, Kind, Object, Operation};
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use rollout_guard::verdict::{Finding, Severity};
use serde_json::{Value, json};

use crate::fixture::request_of;

#[derive(Clone, Default)]
pub struct Guarded {
    world: World,
    /// What the releases under way are to bring about; any other Rollout is idle.
    releases: BTreeMap<Key, Target>,
}

/// What the guard said of a write.
#[derive(Clone, Default)]
pub struct Said {
    pub denials: Vec<Finding>,
    pub warnings: Vec<Finding>,
}

/// The revision that serves, and the one that is released.
const STABLE: &str = "6b5d8c7f9d";
const CANARY: &str = "7f9c6d5b8c";

impl Guarded {
    /// With these objects stored, and reconciled.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut guarded = Self::default();
        for object in objects {
            guarded.world.objects.insert(key_of(&object), object);
        }
        guarded.settle();
        guarded
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.world.objects.get(key)
    }

    /// A CREATE or an UPDATE by a person. A denied one is not stored.
    pub fn apply(&mut self, mut object: Value) -> Said {
        let key = key_of(&object);
        let old = self.get(&key).cloned();
        self.keep_status(&key, &mut object);
        let operation = match old {
            Some(_) => Operation::Update,
            None => Operation::Create,
        };
        self.write(&key, operation, object, old.unwrap_or_default())
    }

    /// A DELETE by a person. A denied one deletes nothing.
    pub fn delete(&mut self, key: &Key) -> Said {
        let old = self.get(key).cloned();
        let old = old.unwrap_or_else(|| panic!("{key} does not exist"));
        self.write(key, Operation::Delete, Value::Null, old)
    }

    /// Stores the object whatever the guard says of it.
    pub fn force(&mut self, mut object: Value) {
        let key = key_of(&object);
        self.keep_status(&key, &mut object);
        self.world.objects.insert(key, object);
        self.settle();
    }

    /// A release of a new revision with this weight; `None` ends it.
    pub fn release(&mut self, rollout: &Key, weight: Option<i64>) {
        match weight {
            Some(weight) => {
                let target = Target {
                    weight,
                    canary_hash: CANARY.to_owned(),
                    stable_hash: STABLE.to_owned(),
                    ..Target::default()
                };
                self.releases.insert(rollout.clone(), target);
            }
            None => {
                self.releases.remove(rollout);
            }
        }
        self.settle();
    }

    /// What is wrong with the objects as they are stored.
    pub fn findings(&self) -> Vec<Finding> {
        let cluster = self.world.cluster();
        audit(&cluster, cluster.keys(), &Settings::default())
    }

    fn write(&mut self, key: &Key, operation: Operation, object: Value, old: Value) -> Said {
        let mut request = request_of(key, operation, object, old);
        request.phase = Phase::MutateThenValidate;
        let decision = decide(request, &self.world.cluster(), &Settings::default());
        let mut said = Said::default();
        for judged in &decision.judged {
            let list = match judged.action {
                Action::Deny => &mut said.denials,
                Action::Warn => &mut said.warnings,
            };
            list.push(judged.finding.clone());
        }
        if said.denials.is_empty() {
            match operation {
                Operation::Delete => self.world.objects.remove(key),
                Operation::Create | Operation::Update => {
                    let object = decision.request.object;
                    self.world.objects.insert(key.clone(), object)
                }
            };
            self.settle();
        }
        said
    }

    /// The API server keeps the status, which only the controller writes.
    fn keep_status(&self, key: &Key, object: &mut Value) {
        let status = self.get(key).and_then(|live| live.get("status"));
        match (status, object.as_object_mut()) {
            (Some(status), Some(object)) => {
                object.insert("status".to_owned(), status.clone());
            }
            (None, Some(object)) => {
                object.remove("status");
            }
            (_, None) => panic!("{key} is no object"),
        }
    }

    /// What the controller does about what is stored.
    fn settle(&mut self) {
        clean_up(&mut self.world);
        let rollouts = self.world.objects.keys();
        let rollouts: Vec<Key> = rollouts
            .filter(|key| key.kind == Kind::Rollout)
            .cloned()
            .collect();
        for rollout in rollouts {
            if self.is_refused(&rollout) {
                continue;
            }
            let idle = Target {
                canary_hash: STABLE.to_owned(),
                stable_hash: STABLE.to_owned(),
                ended: true,
                ..Target::default()
            };
            let target = self.releases.get(&rollout).cloned().unwrap_or(idle);
            reconcile(&mut self.world, &rollout, &target);
            self.write_blue_green_status(&rollout, &target);
        }
    }

    /// A Rollout with an error, or without an object that it names, is `InvalidSpec`: the controller does nothing.
    fn is_refused(&self, rollout: &Key) -> bool {
        let cluster = self.world.cluster();
        let found = audit(&cluster, [rollout], &Settings::default());
        found.iter().any(|finding| {
            finding.object == *rollout
                && (finding.missing || finding.severity == Severity::Error)
                && finding.rule.code < "RG500"
        })
    }

    /// The status of blue-green, which has no weights.
    fn write_blue_green_status(&mut self, rollout: &Key, target: &Target) {
        let object = self.world.objects.get_mut(rollout);
        let Some(object) = object.filter(|it| it.pointer("/spec/strategy/blueGreen").is_some())
        else {
            return;
        };
        object["status"] = json!({
            "stableRS": target.stable_hash,
            "currentPodHash": target.canary_hash,
            "blueGreen": {
                "activeSelector": target.stable_hash,
                "previewSelector": target.canary_hash,
            },
        });
    }
}

/// The key of an object, of namespace `default` unless it says another.
pub fn key_of(object: &Value) -> Key {
    let parsed = Object::parse(object, "default");
    let parsed = parsed.unwrap_or_else(|| panic!("of an unknown kind: {object}"));
    parsed.key().clone()
}
