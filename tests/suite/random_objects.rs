//! Random VirtualServices, DestinationRules and Services around one flow, as controllers and people leave
//! them: complete, wiped, half wiped, somebody else's.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rollout_guard::model::{HASH_LABEL, Kind, MANAGED_BY};
use serde_json::{Value, json};

/// One of the kind, always with a name that the Rollouts know.
pub fn object(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::VirtualService => virtual_service(),
        Kind::DestinationRule => destination_rule(),
        _ => service(),
    }
}

fn virtual_service() -> BoxedStrategy<Value> {
    let http = prop::option::weighted(0.9, prop::collection::vec(http_route(), 0..4));
    let tcp = prop::option::weighted(0.3, prop::collection::vec(tcp_route(), 0..3));
    let owner = select(vec!["rollouts-controller", "kubectl"]);
    (http, tcp, owner)
        .prop_map(|(http, tcp, owner)| {
            json!({
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": {"name": "app", "managedFields": [
                    {"manager": owner, "fieldsV1": {"f:spec": {"f:http": {}, "f:tcp": {}}}},
                ]},
                "spec": {"hosts": ["app"], "http": http, "tcp": tcp},
            })
        })
        .boxed()
}

fn http_route() -> BoxedStrategy<Value> {
    let names = [
        None,
        Some("primary"),
        Some("primary"),
        Some("second"),
        Some("testers"),
        Some("shadow"),
    ];
    let names = select(names.to_vec());
    (names, destinations(), any::<bool>())
        .prop_map(|(name, route, timeout)| {
            let mut route = json!({"name": name, "route": route});
            if name == Some("shadow") {
                route["mirror"] = json!({"host": "app-canary"});
            }
            if timeout {
                route["timeout"] = json!("3s");
            }
            route
        })
        .boxed()
}

fn tcp_route() -> BoxedStrategy<Value> {
    let ports = select(vec![1, 2]);
    (ports, destinations())
        .prop_map(|(port, route)| json!({"match": [{"port": port}], "route": route}))
        .boxed()
}

/// Mostly a canary and a stable destination, by Service and by subset.
fn destinations() -> BoxedStrategy<Vec<Value>> {
    let pair = weight().prop_map(|canary| {
        vec![
            destination(("app-canary", Some("canary")), Some(canary)),
            destination(("app-stable", Some("stable")), Some(100 - canary)),
        ]
    });
    let more = |most| {
        let one = (
            select(TARGETS.to_vec()),
            prop::option::weighted(0.9, weight()),
        );
        prop::collection::vec(
            one.prop_map(|(to, weight)| destination(to, weight)),
            0..most,
        )
    };
    let paired = (pair, more(2)).prop_map(|(pair, more)| [pair, more].concat());
    prop_oneof![3 => paired.prop_shuffle(), 1 => more(5)].boxed()
}

fn destination((host, subset): (&str, Option<&str>), weight: Option<i64>) -> Value {
    let mut one = json!({"destination": {"host": host, "subset": subset}});
    if let Some(weight) = weight {
        one["weight"] = json!(weight);
    }
    one
}

pub fn destination_rule() -> BoxedStrategy<Value> {
    let names = vec!["canary", "stable", "extra", "app-exp"];
    let labels = select(vec![
        json!(null),
        json!({}),
        json!({"app": "app"}),
        json!({"version": "v1"}),
    ]);
    let hash = prop::option::of(select(vec!["", "aaa", "bbb", "zzz"]));
    let labels = prop::collection::vec((labels, hash), 4);
    let subsets = subsequence(names, 0..=4).prop_shuffle();
    (subsets, labels, annotations())
        .prop_map(|(subsets, labels, annotations)| {
            let subsets = subsets
                .iter()
                .zip(labels)
                .map(|(name, (mut labels, hash))| {
                    if let Some(hash) = hash {
                        labels[HASH_LABEL] = json!(hash);
                    }
                    json!({"name": name, "labels": labels})
                });
            json!({
                "apiVersion": "networking.istio.io/v1",
                "kind": "DestinationRule",
                "metadata": {"name": "app", "annotations": annotations},
                "spec": {"host": "app", "subsets": subsets.collect::<Vec<_>>()},
            })
        })
        .boxed()
}

pub fn service() -> BoxedStrategy<Value> {
    let selector = select(vec![json!(null), json!({}), json!({"app": "app"})]);
    let hash = prop::option::of(select(vec!["", "aaa", "bbb", "zzz"]));
    let name = select(vec!["app", "app-canary", "app-stable"]);
    (name, selector, hash, annotations())
        .prop_map(|(name, mut selector, hash, annotations)| {
            if let Some(hash) = hash {
                selector[HASH_LABEL] = json!(hash);
            }
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "annotations": annotations},
                "spec": {"selector": selector, "ports": [{"port": 80}]},
            })
        })
        .boxed()
}

fn annotations() -> BoxedStrategy<Value> {
    select(vec![
        json!(null),
        json!({"note": "x"}),
        json!({MANAGED_BY: "app"}),
        json!({MANAGED_BY: "web"}),
    ])
    .boxed()
}

pub fn weight() -> BoxedStrategy<i64> {
    prop_oneof![1 => Just(0), 1 => Just(100), 3 => 0..=100_i64].boxed()
}

/// Hosts and subsets of destinations.
const TARGETS: [(&str, Option<&str>); 7] = [
    ("app-canary", None),
    ("app-stable", None),
    ("app-stable.default.svc.cluster.local", Some("canary")),
    ("app", Some("stable")),
    ("app", Some("extra")),
    ("app-exp", None),
    ("other", None),
];
