//! The cluster: objects, pods, and the controller that reconciles.

use std::collections::BTreeMap;

use rollout_guard::cluster::{Cluster, Flow, ManagedRoute, Mesh, View};
use rollout_guard::controller::{Target, World, clean_up, reconcile};
use rollout_guard::model::{HASH_LABEL, Key, Kind, Labels, MANAGED_BY, Object};
use rollout_guard::settings::Settings;
use rollout_guard::simulate::{Answer, Revisions, of_route};
use serde_json::{Value, json};

use super::progress::{Ready, step_index, target};
use super::setup::{self, rollout_key};

pub const CONTROLLER: &str = "rollouts-controller";

/// All that there is, besides the files of people.
#[derive(Clone)]
pub struct Sim {
    pub world: World,
    /// The pods of each revision, by its hash.
    pub pods: BTreeMap<String, Revision>,
    /// What `kubectl apply` sent last, by object.
    pub applied: BTreeMap<Key, Value>,
    /// Whether the guard answers writes.
    pub guarded: bool,
}

#[derive(Clone)]
pub struct Revision {
    labels: Labels,
    pub ready: bool,
}

impl Sim {
    pub fn new() -> Self {
        let world = World {
            mesh: Mesh {
                live: true,
                ..Settings::default().mesh
            },
            ..World::default()
        };
        Self {
            world,
            pods: BTreeMap::new(),
            applied: BTreeMap::new(),
            guarded: true,
        }
    }

    pub fn rollout(&self) -> Option<&Value> {
        self.world.objects.get(&rollout_key())
    }

    pub fn status(&mut self) -> Option<&mut Value> {
        let status = self
            .world
            .objects
            .get_mut(&rollout_key())?
            .get_mut("status")?;
        status.is_object().then_some(status)
    }

    /// Whether the controller acts on the flow, and has a revision that serves.
    pub fn serves(&self) -> bool {
        let stable = self
            .rollout()
            .and_then(|rollout| rollout.pointer("/status/stableRS"));
        stable.is_some_and(Value::is_string) && !refused(&self.world)
    }

    pub fn by_subset(&self) -> bool {
        let canary = self.rollout().map(|it| &it["spec"]["strategy"]["canary"]);
        canary.is_some_and(|canary| {
            canary.get("stableService").is_none() && canary.get("pingPong").is_none()
        })
    }

    /// Whether a destination is the canary's.
    pub fn is_canary(&self, destination: &Value) -> bool {
        let canary = self.rollout().map(|it| &it["spec"]["strategy"]["canary"]);
        canary.is_some_and(|canary| {
            let subset = &canary["trafficRouting"]["istio"]["destinationRule"]["canarySubsetName"];
            let names = [&canary["canaryService"], subset];
            names.iter().any(|name| {
                name.is_string()
                    && (destination["host"] == **name || destination["subset"] == **name)
            })
        })
    }

    /// Whether a revision is being released, and not aborted.
    pub fn in_progress(&self) -> bool {
        let status = self.rollout().map(|rollout| &rollout["status"]);
        status.is_some_and(|status| {
            !status["stableRS"].is_null()
                && status["stableRS"] != status["currentPodHash"]
                && status["abort"] != true
        })
    }

    /// One reconcile by the controller of the Rollout, whatever it finds.
    pub fn reconcile(&mut self) {
        let before = self.world.objects.clone();
        self.act();
        for (key, object) in &mut self.world.objects {
            if before.get(key) != Some(object) {
                super::people::own(object, before.get(key).unwrap_or(&Value::Null), CONTROLLER);
            }
        }
    }

    fn act(&mut self) {
        clean_up(&mut self.world);
        let Some(rollout) = self.rollout().cloned() else {
            self.pods.clear();
            let objects = &mut self.world.objects;
            objects.retain(|key, _| key.kind != Kind::Revision);
            return;
        };
        let refused = refused(&self.world);
        let status = &mut self.world.objects.get_mut(&rollout_key()).expect("it")["status"];
        if refused {
            if status.is_null() {
                *status = json!({});
            }
            status["phase"] = "Degraded".into();
            return;
        }
        status["phase"] = "Progressing".into();
        let hash = hash(&rollout["spec"]["template"]);
        let steps = &rollout["spec"]["strategy"]["canary"]["steps"];
        let count = steps.as_array().map_or(0, Vec::len);
        if status["currentPodHash"] != hash.as_str() || !self.pods.contains_key(&hash) {
            let back = status["stableRS"] == hash.as_str();
            status["currentPodHash"] = hash.clone().into();
            status["currentStepIndex"] = if back { count } else { 0 }.into();
            status["abort"] = false.into();
            status["promoteFull"] = false.into();
            let labels = labels(&rollout, &hash);
            let replica_set = setup::revision(&hash, &labels);
            let replica_sets = &mut self.world.objects;
            replica_sets.insert(setup::key(&replica_set), replica_set);
            let revision = Revision {
                labels,
                ready: false,
            };
            self.pods.entry(hash).or_insert(revision);
            return;
        }
        let ready = self.pods[&hash].ready;
        if status["stableRS"].as_str().unwrap_or_default().is_empty() {
            if ready {
                // The first revision becomes stable without steps.
                status["currentStepIndex"] = count.into();
                status["stableRS"] = hash.clone().into();
                let ping = rollout.pointer("/spec/strategy/canary/pingPong/pingService");
                if let Some(ping) = ping.and_then(Value::as_str) {
                    // Until then ping is the canary's.
                    status["canary"] = json!({"stablePingPong": "ping"});
                    let ping = Key::new(Kind::Service, "shop", ping);
                    let service = self.world.objects.get_mut(&ping).expect("it");
                    service["spec"]["selector"][HASH_LABEL] = hash.into();
                    service["metadata"]["annotations"][MANAGED_BY] = "app".into();
                }
            }
            return;
        }
        self.carry_on(&rollout, ready, count);
    }

    fn carry_on(&mut self, rollout: &Value, ready: bool, count: usize) {
        let ready_word = if ready { Ready::All } else { Ready::None };
        let rollout_now = self.rollout().cloned().expect("it");
        let target = target(&rollout_now, ready_word);
        let stable = self
            .pods
            .get(&target.stable_hash)
            .is_some_and(|stable| stable.ready);
        if !stable && target.weight < 100 {
            return;
        }
        let by_subset = self.by_subset();
        let waiting = by_subset && !(target.aborted || (ready && stable));
        let target = Target { waiting, ..target };
        if by_subset
            && !self
                .world
                .objects
                .contains_key(&Key::new(Kind::DestinationRule, "shop", "app"))
        {
            // UpdateHash fails, and SetWeight does not run.
            return;
        }
        reconcile(&mut self.world, &rollout_key(), &target);
        if waiting || !ready || target.aborted || target.canary_hash == target.stable_hash {
            return;
        }
        let status = self.status().expect("a status");
        let index = step_index(status);
        let full = status["promoteFull"] == true;
        if index >= count || full {
            status["stableRS"] = target.canary_hash.clone().into();
            status["currentStepIndex"] = count.into();
            status["promoteFull"] = false.into();
            let ping = status["canary"]["stablePingPong"]
                .as_str()
                .map(str::to_owned);
            if let Some(ping) = ping {
                let other = if ping == "ping" { "pong" } else { "ping" };
                status["canary"]["stablePingPong"] = other.into();
            }
            return;
        }
        let step = &rollout["spec"]["strategy"]["canary"]["steps"][index];
        if step.get("pause").is_none() {
            status["currentStepIndex"] = (index + 1).into();
        }
    }

    /// The pods of a revision become ready or unready.
    pub fn pods_become(&mut self, of: Pods, ready: bool) {
        let Some(status) = self.rollout().map(|rollout| &rollout["status"]) else {
            return;
        };
        let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
        let hash = match of {
            Pods::Stable => text("stableRS"),
            Pods::Current => text("currentPodHash"),
        };
        if let Some(revision) = self.pods.get_mut(&hash) {
            revision.ready = ready;
        }
    }

    /// Revisions that are neither stable nor released lose their pods, some time after.
    pub fn scale_down(&mut self) {
        let Some(status) = self.rollout().map(|rollout| rollout["status"].clone()) else {
            return;
        };
        self.pods.retain(|hash, _| {
            status["stableRS"] == hash.as_str() || status["currentPodHash"] == hash.as_str()
        });
    }

    /// Destinations of managed routes that get requests and have no endpoint that would answer: no pod, ready or not,
    /// or none that is ready.
    pub fn dead(&self, needs_ready: bool) -> Vec<String> {
        let cluster = self.world.cluster();
        let mut dead = Vec::new();
        let Some(typed) = cluster.get(&rollout_key()).and_then(Object::rollout) else {
            return dead;
        };
        let view = View::of(&cluster);
        let flow = Flow::of(typed, view);
        for link in flow.virtual_service_links() {
            let Some(service) = cluster.get(&link.key).and_then(Object::virtual_service) else {
                continue;
            };
            let argo = self.world.mesh.argo_version;
            let routes = ManagedRoute::weighted(typed.body, service.body, link.reference, argo);
            for route in routes {
                let value = self.world.objects[&link.key].pointer(&route.path().pointer());
                let Some(value) = value else { continue };
                let mut alive = BTreeMap::new();
                for revision in self.pods.values().filter(|one| one.ready || !needs_ready) {
                    let pods = Revisions::new(Some(revision.labels.clone()), None);
                    for reach in of_route(&view, service, value, &pods) {
                        let answers = !matches!(reach.answer, Answer::Nothing(_));
                        *alive.entry(reach.destination).or_insert(false) |= answers;
                    }
                }
                dead.extend(
                    alive
                        .into_iter()
                        .filter(|(_, alive)| !alive)
                        .map(|(name, _)| name),
                );
            }
        }
        dead
    }
}

/// Whose pods.
#[derive(Clone, Copy, Debug)]
pub enum Pods {
    Stable,
    Current,
}

fn labels(rollout: &Value, hash: &str) -> Labels {
    let mut labels = Labels::new();
    let template = rollout["spec"]["template"]["metadata"]["labels"].as_object();
    for (name, value) in template.into_iter().flatten() {
        labels.insert(
            name.as_str().into(),
            value.as_str().unwrap_or_default().into(),
        );
    }
    labels.insert(HASH_LABEL.into(), hash.into());
    labels
}

/// FNV-1a of the template: equal templates are one revision.
fn hash(template: &Value) -> String {
    let text = template.to_string();
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:x}")
}

/// InvalidSpec: the controller writes nothing (`ValidateVirtualService`, `ValidateService`).
fn refused(world: &World) -> bool {
    let cluster: Cluster = world.cluster();
    let Some(typed) = cluster.get(&rollout_key()).and_then(Object::rollout) else {
        return true;
    };
    let flow = Flow::of(typed, View::of(&cluster));
    let rollout = &world.objects[&rollout_key()];
    let template = &rollout["spec"]["template"]["metadata"]["labels"];
    let canary = &rollout["spec"]["strategy"]["canary"];
    for pointer in [
        "/canaryService",
        "/stableService",
        "/pingPong/pingService",
        "/pingPong/pongService",
    ] {
        let Some(name) = canary.pointer(pointer).and_then(Value::as_str) else {
            continue;
        };
        let Some(service) = world.objects.get(&Key::new(Kind::Service, "shop", name)) else {
            return true;
        };
        let selector = service["spec"]["selector"].as_object();
        let mut pairs = selector
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != HASH_LABEL);
        if pairs.any(|(name, value)| template.get(name) != Some(value)) {
            return true;
        }
    }
    let istio = &canary["trafficRouting"]["istio"];
    let name = istio["virtualService"]["name"].as_str().unwrap_or_default();
    let Some(service) = world
        .objects
        .get(&Key::new(Kind::VirtualService, "shop", name))
    else {
        return true;
    };
    let http = service["spec"]["http"].as_array();
    let mut routes = http.into_iter().flatten();
    let Some(route) = routes.find(|route| route["name"] == "primary") else {
        return true;
    };
    let has = |host: Option<&Value>, subset: Option<&Value>| {
        route["route"].as_array().into_iter().flatten().any(|one| {
            let to = &one["destination"];
            host.is_some_and(|host| to["host"] == *host)
                || subset.is_some_and(|subset| to.get("subset") == Some(subset))
        })
    };
    let rule = istio.get("destinationRule");
    let services = flow
        .roles()
        .map(|roles| (roles.canary_service, roles.stable_service));
    let (canary_service, stable_service) = services.unwrap_or_default();
    let named = |name: &str| (!name.is_empty()).then(|| Value::from(name));
    let pair = [
        (
            named(canary_service),
            rule.and_then(|rule| rule.get("canarySubsetName")),
        ),
        (
            named(stable_service),
            rule.and_then(|rule| rule.get("stableSubsetName")),
        ),
    ];
    !pair
        .iter()
        .all(|(host, subset)| has(host.as_ref(), *subset))
}
