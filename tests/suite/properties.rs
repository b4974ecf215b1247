//! Properties of the index: whatever came in whatever order, it equals one built from the survivors.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rollout_guard::cluster::{Cluster, Mesh, Overlay, View, dependents};
use rollout_guard::model::{Key, Kind, Object};
use serde_json::{Value, json};

proptest! {
    #[test]
    fn the_index_equals_one_built_from_the_survivors(steps in prop::collection::vec(step(), 0..40)) {
        let mut cluster = Cluster::new(Mesh::default());
        let mut survivors: BTreeMap<Key, Object> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Apply(object) => {
                    survivors.insert(object.key().clone(), (*object).clone());
                    cluster.apply(*object);
                }
                Step::Delete(key) => {
                    survivors.remove(&key);
                    cluster.delete(&key);
                }
                Step::Reset(kind, objects) => {
                    survivors.retain(|key, _| key.kind != kind);
                    let of_kind: Vec<Object> =
                        objects.into_iter().filter(|object| object.key().kind == kind).collect();
                    for object in &of_kind {
                        survivors.insert(object.key().clone(), object.clone());
                    }
                    cluster.replace_kind(kind, of_kind);
                }
            }
        }
        let mut rebuilt = Cluster::new(Mesh::default());
        for object in survivors.into_values() {
            rebuilt.apply(object);
        }
        prop_assert_eq!(cluster, rebuilt);
    }

    /// An overlay answers as the cluster would with the write in it.
    #[test]
    fn an_overlay_answers_as_the_written_cluster(
        objects in prop::collection::vec(object(), 0..20),
        written in object(),
        deleted in any::<bool>(),
    ) {
        let mut cluster = Cluster::new(Mesh::default());
        for object in objects {
            cluster.apply(object);
        }
        let key = written.key().clone();
        let overlay = Overlay::new(&key, (!deleted).then_some(&written), cluster.mesh());
        let mut stored = cluster.clone();
        if deleted {
            stored.delete(&key);
        } else {
            stored.apply(written.clone());
        }
        let laid = View::of(&cluster).with(&overlay);
        let stored = View::of(&stored);
        prop_assert_eq!(dependents(&laid, &key), dependents(&stored, &key));
        for host in HOSTS {
            let host = laid.resolve(host, "a");
            prop_assert_eq!(laid.rules_governing(&host), stored.rules_governing(&host));
            prop_assert_eq!(laid.providers(&host), stored.providers(&host));
            prop_assert_eq!(
                laid.virtual_services_sending_to(&host),
                stored.virtual_services_sending_to(&host)
            );
            prop_assert_eq!(
                laid.virtual_services_claiming(&host).collect::<Vec<_>>(),
                stored.virtual_services_claiming(&host).collect::<Vec<_>>()
            );
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Box<Object>),
    Delete(Key),
    Reset(Kind, Vec<Object>),
}

fn step() -> impl Strategy<Value = Step> {
    let key = object().prop_map(|object| object.key().clone());
    let reset = (kind(), prop::collection::vec(object(), 0..5));
    prop_oneof![
        6 => object().prop_map(Box::new).prop_map(Step::Apply),
        3 => key.prop_map(Step::Delete),
        1 => reset.prop_map(|(kind, objects)| Step::Reset(kind, objects)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Rollout,
        Kind::VirtualService,
        Kind::DestinationRule,
        Kind::Service,
        Kind::ServiceEntry,
        Kind::Gateway,
        Kind::AnalysisTemplate,
        Kind::ClusterAnalysisTemplate,
    ])
}

pub fn object() -> impl Strategy<Value = Object> {
    let parts = (kind(), name(), name(), host(), host(), name());
    parts.prop_map(|(kind, namespace, name, host, other, reference)| {
        let spec = spec(kind, host, other, reference);
        let value = json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec});
        Object::parse_as(kind, &value, "default")
    })
}

fn spec(kind: Kind, host: &str, other: &str, reference: &str) -> Value {
    match kind {
        Kind::Rollout => json!({"strategy": {"canary": {
            "canaryService": reference,
            "analysis": {"templates": [
                {"templateName": reference},
                {"templateName": reference, "clusterScope": true},
            ]},
            "trafficRouting": {"istio": {
                "virtualService": {"name": format!("{reference}.a")},
                "destinationRule": {"name": reference},
            }},
        }}}),
        Kind::VirtualService => json!({
            "hosts": [host],
            "gateways": ["mesh", reference],
            "http": [
                {"route": [{"destination": {"host": other}}], "mirror": {"host": host}},
                {"delegate": {"name": reference}},
            ],
        }),
        Kind::DestinationRule => json!({"host": host}),
        Kind::ServiceEntry => json!({"hosts": [host, other]}),
        _ => json!({}),
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn host() -> impl Strategy<Value = &'static str> {
    prop::sample::select(HOSTS.to_vec())
}

const HOSTS: [&str; 9] = [
    "a",
    "b",
    "a.b.svc.cluster.local",
    "*.b.svc.cluster.local",
    "*.local",
    "*",
    "x.example.org",
    "*.example.org",
    "",
];
