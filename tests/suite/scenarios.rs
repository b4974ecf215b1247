//! Random scenarios around one write of a VirtualService, DestinationRule or Service: Rollouts of every way to
//! split traffic, their statuses, the live object and what is written over it.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rollout_guard::cluster::Cluster;
use rollout_guard::model::{Kind, Object, Operation};
use rollout_guard::request::Request;
use serde_json::{Value, json};

use crate::fixture::request_of;
use crate::random_objects::{destination_rule, object, service, weight};

/// A write and the cluster it meets.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub rollouts: Vec<Value>,
    /// The other objects around.
    pub others: Vec<Value>,
    /// `None`: a CREATE.
    pub live: Option<Value>,
    pub written: Value,
}

/// What a Rollout names that the controller itself puts into the objects: inserted routes, and the Service
/// of a running experiment.
pub const INSERTED: [&str; 3] = ["testers", "shadow", "app-exp"];

impl Scenario {
    pub fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::default();
        let objects = self.rollouts.iter().chain(&self.others).chain(&self.live);
        for object in objects {
            cluster.apply(Object::parse(object, "default").expect("a known kind"));
        }
        cluster
    }

    /// The write with another object in it.
    pub fn request_with(&self, object: Value) -> Request {
        let parsed = Object::parse(&self.written, "default").expect("a known kind");
        let operation = match self.live {
            Some(_) => Operation::Update,
            None => Operation::Create,
        };
        let live = self.live.clone().unwrap_or_default();
        request_of(parsed.key(), operation, object, live)
    }

    pub fn request(&self) -> Request {
        self.request_with(self.written.clone())
    }
}

pub fn scenario() -> BoxedStrategy<Scenario> {
    scenario_of(vec![
        Kind::VirtualService,
        Kind::DestinationRule,
        Kind::Service,
    ])
}

/// One Rollout that has weighed the route `primary` by its two Services.
pub fn plain_scenario() -> BoxedStrategy<Scenario> {
    let scenarios = (scenario_of(vec![Kind::VirtualService]), weight());
    let plain = scenarios.prop_map(|(mut scenario, weight)| {
        scenario.rollouts.truncate(1);
        let rollout = &mut scenario.rollouts[0];
        rollout["spec"]["strategy"]["canary"] = json!({
            "canaryService": "app-canary",
            "stableService": "app-stable",
            "trafficRouting": {"istio": {"virtualService": {"name": "app", "routes": ["primary"]}}},
        });
        let weights = &mut rollout["status"]["canary"]["weights"];
        if weights.is_null() {
            *weights = json!({"canary": {"weight": weight}, "stable": {"weight": 100 - weight}});
        }
        scenario
    });
    plain.boxed()
}

fn scenario_of(kinds: Vec<Kind>) -> BoxedStrategy<Scenario> {
    select(kinds)
        .prop_flat_map(|kind| {
            let rollouts = prop_oneof![
                4 => rollout("app").prop_map(|rollout| vec![rollout]),
                1 => (rollout("app"), rollout("web")).prop_map(|(app, web)| vec![app, web]),
            ];
            let around = (destination_rule(), service());
            let around = around.prop_map(|(rule, service)| vec![rule, service]);
            let others = prop_oneof![around, Just(Vec::new())];
            let live = prop::option::weighted(0.8, object(kind));
            (rollouts, others, live, object(kind)).prop_map(
                |(rollouts, others, live, mut written)| {
                    // By the controller itself it would be exempt.
                    written["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
                    let live = live.map(|mut live| {
                        live["metadata"]["name"] = written["metadata"]["name"].clone();
                        live
                    });
                    Scenario {
                        rollouts,
                        others,
                        live,
                        written,
                    }
                },
            )
        })
        .boxed()
}

/// A scenario whose write changes nothing that the controller writes.
pub fn unchanged_scenario() -> BoxedStrategy<Scenario> {
    let unchanged = scenario().prop_map(|mut scenario| {
        let mut live = scenario.written.clone();
        live["metadata"]["managedFields"] = match &scenario.live {
            Some(live) => live["metadata"]["managedFields"].clone(),
            None => Value::Null,
        };
        scenario.live = Some(live);
        scenario
    });
    unchanged.boxed()
}

/// A scenario whose written object has a field of the wrong type, or none where there was one.
pub fn broken_scenario() -> BoxedStrategy<Scenario> {
    let odd = select(vec![
        json!(null),
        json!("x"),
        json!(7),
        json!([]),
        json!({}),
        json!([null]),
    ]);
    (scenario(), select(PLACES.to_vec()), odd)
        .prop_map(|(mut scenario, place, odd)| {
            if let Some(value) = scenario.written.pointer_mut(place) {
                *value = odd;
            }
            scenario
        })
        .boxed()
}

fn rollout(name: &'static str) -> BoxedStrategy<Value> {
    let managed = subsequence(vec!["testers", "shadow"], 0..=2);
    let labels = select(vec![
        json!({}),
        json!({"app": "app"}),
        json!({"app": "app", "tier": "web"}),
    ]);
    (strategy(), istio(), managed, labels, status())
        .prop_map(move |(mut strategy, istio, managed, labels, status)| {
            let managed: Vec<Value> = managed.iter().map(|name| json!({"name": name})).collect();
            if let Some(canary) = strategy.get_mut("canary") {
                canary["trafficRouting"] = json!({"istio": istio, "managedRoutes": managed});
            }
            json!({
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Rollout",
                "metadata": {"name": name},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": {"app": "app", "tier": "web"}}},
                    "strategy": strategy,
                },
                "status": status,
            })
        })
        .boxed()
}

/// A Rollout of another namespace that names the VirtualService of the scenarios. Nothing else that it names is there,
/// so that its controller cannot act.
pub fn stranger() -> BoxedStrategy<Value> {
    let stranger = rollout("evil").prop_map(|mut rollout| {
        rollout["metadata"]["namespace"] = json!("another");
        let istio = "/spec/strategy/canary/trafficRouting/istio/virtualService/name";
        if let Some(name) = rollout.pointer_mut(istio) {
            *name = json!("app.default");
        }
        rollout
    });
    stranger.boxed()
}

fn strategy() -> BoxedStrategy<Value> {
    select(vec![
        json!({"canary": {"canaryService": "app-canary", "stableService": "app-stable"}}),
        json!({"canary": {"pingPong": {"pingService": "app-canary", "pongService": "app-stable"}}}),
        json!({"canary": {}}),
        json!({"blueGreen": {"activeService": "app-stable", "previewService": "app-canary"}}),
    ])
    .boxed()
}

fn istio() -> BoxedStrategy<Value> {
    let routes = select(vec![
        json!([]),
        json!(["primary"]),
        json!(["primary", "second"]),
    ]);
    let tcp = select(vec![json!([]), json!([{"port": 1}])]);
    let subsets = select(vec![
        ("canary", "stable"),
        ("stable", "canary"),
        ("canary", "canary"),
    ]);
    let rule = prop::option::of((subsets, any::<bool>()));
    (routes, tcp, rule)
        .prop_map(|(routes, tcp, rule)| {
            let reference = json!({"name": "app", "routes": routes, "tcpRoutes": tcp});
            let mut istio = json!({"virtualService": reference});
            if let Some(((canary, stable), additional)) = rule {
                istio["destinationRule"] =
                    json!({"name": "app", "canarySubsetName": canary, "stableSubsetName": stable});
                if additional {
                    istio["destinationRule"]["additionalSubsetNames"] = json!(["extra"]);
                }
            }
            istio
        })
        .boxed()
}

pub fn status() -> BoxedStrategy<Value> {
    let hash = || select(vec!["", "aaa", "bbb"]);
    let weights =
        prop::option::weighted(0.7, (weight(), hash(), hash(), prop::option::of(weight())));
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let ping = select(vec!["", "ping", "pong"]);
    (hash(), hash(), weights, flags, ping)
        .prop_map(|(stable, current, weights, flags, ping)| {
            let mut canary = json!({"stablePingPong": ping});
            if let Some((weight, canary_hash, stable_hash, experiment)) = weights {
                let listed =
                    experiment.map(|weight| json!({"serviceName": "app-exp", "weight": weight}));
                canary["weights"] = json!({
                    "canary": {"weight": weight, "podTemplateHash": canary_hash},
                    "stable": {"weight": 100 - weight, "podTemplateHash": stable_hash},
                    "additional": listed.into_iter().collect::<Vec<_>>(),
                });
            }
            json!({
                "stableRS": stable,
                "currentPodHash": current,
                "abort": flags.0,
                "promoteFull": flags.1,
                "canary": canary,
                "blueGreen": {"activeSelector": stable},
            })
        })
        .boxed()
}

/// Where something odd may stand.
const PLACES: [&str; 16] = [
    "/spec",
    "/metadata/annotations",
    "/metadata/managedFields",
    "/spec/http",
    "/spec/http/0",
    "/spec/http/0/name",
    "/spec/http/0/route",
    "/spec/http/0/route/0",
    "/spec/http/0/route/0/weight",
    "/spec/http/0/route/1/destination",
    "/spec/tcp/0/match",
    "/spec/subsets",
    "/spec/subsets/0",
    "/spec/subsets/0/labels",
    "/spec/subsets/1/name",
    "/spec/selector",
];
