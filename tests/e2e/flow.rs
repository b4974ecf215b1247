//! Two flows in mid-canary, and what is stored of them held against the controller's last word.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::api::{list, text};
use crate::authors::Authors;
use crate::world::{World, hashes, weights};

/// The kinds in which a controller's word stands; a recording of them can be judged.
pub const KINDS: &[&str] = &["VirtualService", "DestinationRule", "Service"];

/// Weights, hashes and inserted routes by kind and name, as the controller wrote them last.
pub struct Word(HashMap<(String, String), Value>);

/// Both flows at their first pause, the one with its header route.
pub fn in_mid_canary(world: &World) {
    world.apply(FLOWS);
    for rollout in ROLLOUTS {
        world.until_phase(rollout, "Healthy");
    }
    for rollout in ROLLOUTS {
        let image = format!("set image {rollout} {rollout}=registry.example/app:v2");
        world.argo(&image).ok();
    }
    for rollout in ROLLOUTS {
        world.until_phase(rollout, "Paused");
    }
    world.until_weights("app07", "primary", &[5, 95]);
    world.until_weights("shop", "primary", &[95, 5]);
    world.until("VirtualService", "app07", "the testers' route", |object| {
        text(object, "/spec/http/0/name") == "testers"
    });
}

/// How many revisions were stored, and what was wrong in which.
#[derive(Default)]
pub struct Tally {
    /// By anybody but the controller.
    pub stored: usize,
    pub by_controller: usize,
    pub wrong: Vec<String>,
}

impl Word {
    /// What these objects say now, which must be the controller's.
    pub fn of(world: &World, manifests: &[Value]) -> Self {
        let word = manifests.iter().map(|manifest| {
            let (kind, name) = (text(manifest, "/kind"), text(manifest, "/metadata/name"));
            let said = said(kind, &world.read(kind, name));
            ((kind.to_owned(), name.to_owned()), said)
        });
        Self(word.filter(|(_, said)| !said.is_null()).collect())
    }

    /// Whether the controller writes into this object at all.
    pub fn has(&self, manifest: &Value) -> bool {
        let key = |field| text(manifest, field).to_owned();
        self.0.contains_key(&(key("/kind"), key("/metadata/name")))
    }

    /// Whether an object says what the controller said last.
    pub fn stands_in(&self, object: &Value) -> bool {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        self.0.get(&(kind.to_owned(), name.to_owned())) == Some(&said(kind, object))
    }

    /// Judges all that a recording has of these objects and of Rollouts, in the order it was stored.
    pub fn judge(mut self, recorded: &BTreeMap<String, Vec<Value>>, authors: &Authors) -> Tally {
        let aborted = aborted(recorded);
        let mut tally = Tally::default();
        for kind in KINDS {
            for object in recorded.get(*kind).into_iter().flatten() {
                let name = text(object, "/metadata/name").to_owned();
                if let Some(word) = self.0.get_mut(&((*kind).to_owned(), name)) {
                    tally.enter(kind, object, word, authors, aborted);
                }
            }
        }
        tally
    }
}

impl Tally {
    fn enter(
        &mut self,
        kind: &str,
        object: &Value,
        word: &mut Value,
        authors: &Authors,
        aborted: u64,
    ) {
        let (said, version) = (
            said(kind, object),
            text(object, "/metadata/resourceVersion"),
        );
        if authors.is_controller(version) {
            self.by_controller += 1;
            *word = said;
            return;
        }
        self.stored += 1;
        if said != *word && !(number(version) > aborted && without_inserted(&said, word)) {
            let name = text(object, "/metadata/name");
            let author = authors.of(version);
            self.wrong.push(format!(
                "{kind} {name}, revision {version} by `{author}`: {said}, the controller's word is {word}"
            ));
        }
    }
}

/// What the controller would write: weights and inserted routes, hashes, the hash of a selector.
fn said(kind: &str, object: &Value) -> Value {
    match kind {
        "VirtualService" => {
            let routes = list(object, "/spec/http").iter();
            let inserted = routes.filter(|route| route["name"] != ROUTE);
            json!({"weights": weights(object, ROUTE), "inserted": inserted.collect::<Vec<_>>()})
        }
        "DestinationRule" => json!(hashes(object)),
        _ => object["spec"]["selector"]["rollouts-pod-template-hash"].clone(),
    }
}

/// From an abort on the controller is about to remove what it inserted, so the write that drops it may do so too.
fn without_inserted(said: &Value, word: &Value) -> bool {
    list(said, "/inserted").is_empty() && said["weights"] == word["weights"]
}

/// The first revision of a Rollout that is aborted.
fn aborted(recorded: &BTreeMap<String, Vec<Value>>) -> u64 {
    let rollouts = recorded.get("Rollout").into_iter().flatten();
    let aborted = rollouts.filter(|rollout| rollout["status"]["abort"] == true);
    let versions = aborted.map(|rollout| number(text(rollout, "/metadata/resourceVersion")));
    versions.min().unwrap_or(u64::MAX)
}

fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

/// Their manifests, and their Rollouts.
pub const FLOWS: &str = "tests/e2e/flows/mid-canary";
pub const ROLLOUTS: [&str; 2] = ["app07", "shop"];
/// The managed route of both.
const ROUTE: &str = "primary";
