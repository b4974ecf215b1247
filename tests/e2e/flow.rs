//! Two flows during a canary, and a comparison of their stored revisions with the controller's last values.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Display, Formatter};

use serde_json::{Value, json};

use crate::api::{list, text};
use crate::authors::Authors;
use crate::world::{World, hashes, weights};

/// The kinds that contain values of the controller. `judge` checks recordings of them.
pub const KINDS: &[&str] = &["VirtualService", "DestinationRule", "Service"];

/// The controller's last values: weights, hashes and inserted routes by kind and name.
pub struct ControllerValues(HashMap<(String, String), Value>);

/// Both flows at their first pause, one of them with its header route.
pub fn start_canaries(world: &World) {
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

/// The number of stored revisions, and what was wrong in which.
#[derive(Default)]
pub struct Tally {
    /// By any user except the controller.
    pub stored: usize,
    pub by_controller: usize,
    pub wrong: Vec<String>,
}

impl ControllerValues {
    /// The current values of these objects, which must be the controller's.
    pub fn of(world: &World, manifests: &[Value]) -> Self {
        let expected = manifests.iter().map(|manifest| {
            let (kind, name) = (text(manifest, "/kind"), text(manifest, "/metadata/name"));
            let values = values(kind, &world.read(kind, name));
            ((kind.to_owned(), name.to_owned()), values)
        });
        Self(expected.filter(|(_, values)| !values.is_null()).collect())
    }

    /// Whether the controller writes into this object.
    pub fn has(&self, manifest: &Value) -> bool {
        let key = |field| text(manifest, field).to_owned();
        self.0.contains_key(&(key("/kind"), key("/metadata/name")))
    }

    /// Whether an object has the controller's last values.
    pub fn matches(&self, object: &Value) -> bool {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        self.0.get(&(kind.to_owned(), name.to_owned())) == Some(&values(kind, object))
    }

    /// Checks all recorded revisions of these objects and of Rollouts, in the order in which they were stored.
    pub fn judge(mut self, recorded: &BTreeMap<String, Vec<Value>>, authors: &Authors) -> Tally {
        let aborted = aborted(recorded);
        let mut tally = Tally::default();
        for kind in KINDS {
            for object in recorded.get(*kind).into_iter().flatten() {
                let name = text(object, "/metadata/name").to_owned();
                if let Some(expected) = self.0.get_mut(&((*kind).to_owned(), name)) {
                    tally.enter(kind, object, expected, authors, aborted);
                }
            }
        }
        tally
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (wrong, stored) = (self.wrong.len(), self.stored);
        write!(f, "{wrong} of {stored} stored revisions wrong")
    }
}

impl Tally {
    fn enter(
        &mut self,
        kind: &str,
        object: &Value,
        expected: &mut Value,
        authors: &Authors,
        aborted: u64,
    ) {
        let (values, version) = (
            values(kind, object),
            text(object, "/metadata/resourceVersion"),
        );
        if authors.is_controller(version) {
            self.by_controller += 1;
            *expected = values;
            return;
        }
        self.stored += 1;
        if values != *expected
            && !(number(version) > aborted && without_inserted(&values, expected))
        {
            let name = text(object, "/metadata/name");
            let author = authors.of(version);
            self.wrong.push(format!(
                "{kind} {name}, revision {version} by `{author}`: {values}, the controller wrote {expected}"
            ));
        }
    }
}

/// The values that the controller writes: weights and inserted routes, hashes of subsets, the hash of a selector.
fn values(kind: &str, object: &Value) -> Value {
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

/// After an abort the controller removes its inserted routes, so another write may drop them too.
fn without_inserted(values: &Value, expected: &Value) -> bool {
    list(values, "/inserted").is_empty() && values["weights"] == expected["weights"]
}

/// The first revision in which a Rollout is aborted.
fn aborted(recorded: &BTreeMap<String, Vec<Value>>) -> u64 {
    let rollouts = recorded.get("Rollout").into_iter().flatten();
    let aborted = rollouts.filter(|rollout| rollout["status"]["abort"] == true);
    let versions = aborted.map(|rollout| number(text(rollout, "/metadata/resourceVersion")));
    versions.min().unwrap_or(u64::MAX)
}

fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

/// Their manifests, with their Rollouts.
pub const FLOWS: &str = "tests/e2e/flows/mid-canary";
pub const ROLLOUTS: [&str; 2] = ["app07", "shop"];
/// The managed route of both flows.
const ROUTE: &str = "primary";
