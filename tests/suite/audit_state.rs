//! The audit's memory: after any changes it equals a judgement of the whole cluster.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::AuditState;
use rollout_guard::model::{ALLOW, ENFORCE, Key, Kind, Object};
use rollout_guard::settings::{Profile, Settings};
use rollout_guard::verdict::Severity;
use serde_json::{Value, json};

use crate::properties;
use crate::scenarios::scenario;

proptest! {
    #[test]
    fn following_changes_equals_judging_all(
        steps in prop::collection::vec(prop::collection::vec(change(), 1..6), 1..12),
    ) {
        let settings = Settings::default();
        let mut cluster = live();
        let mut state = AuditState::of(&cluster, &settings);
        for step in steps {
            let before = cluster.clone();
            let mut changed = BTreeSet::new();
            for change in step {
                changed.insert(enter(change, &mut cluster));
            }
            state.follow(&before, &cluster, &changed, &settings);
            prop_assert_eq!(&state, &AuditState::of(&cluster, &settings));
        }
    }
}

#[test]
fn a_namespace_says_how_strictly_it_is_judged() {
    let mut cluster = live();
    enter(Change::Apply(rollout()), &mut cluster);
    let severities = |cluster: &Cluster, settings: &Settings| {
        let state = AuditState::of(cluster, settings);
        let found = state.findings();
        found
            .map(|finding| (finding.rule.code, finding.severity))
            .collect::<Vec<_>>()
    };
    let mut settings = Settings::default();
    let missing = |severity| vec![("RG201", severity), ("RG301", severity)];
    assert_eq!(severities(&cluster, &settings), missing(Severity::Warning));
    settings.profile = Profile::Strict;
    assert_eq!(severities(&cluster, &settings), missing(Severity::Error));
    for (label, expected) in [
        ("observe", missing(Severity::Warning)),
        ("strict", missing(Severity::Error)),
        ("off", vec![]),
    ] {
        enter(
            Change::Apply(namespace(&json!({ENFORCE: label}))),
            &mut cluster,
        );
        assert_eq!(severities(&cluster, &settings), expected, "{label}");
    }
    let mut ending = namespace(&json!({}));
    ending["metadata"]["deletionTimestamp"] = json!("2026-11-23T00:22:44Z");
    enter(Change::Apply(ending), &mut cluster);
    assert_eq!(severities(&cluster, &settings), vec![]);
}

#[test]
fn tells_which_objects_still_allow() {
    let mut cluster = live();
    let mut object = rollout();
    object["metadata"]["annotations"] = json!({ALLOW: "RG201, weights"});
    let key = enter(Change::Apply(object), &mut cluster);
    let mut state = AuditState::of(&cluster, &Settings::default());
    let words = ["RG201".to_owned(), "weights".to_owned()];
    assert_eq!(
        state.allowing().collect::<Vec<_>>(),
        [(&key, words.as_slice())]
    );
    let before = cluster.clone();
    enter(Change::Apply(rollout()), &mut cluster);
    state.follow(
        &before,
        &cluster,
        &BTreeSet::from([key]),
        &Settings::default(),
    );
    assert_eq!(state.allowing().count(), 0);
}

#[derive(Clone, Debug)]
enum Change {
    Apply(Value),
    Known(Box<Object>),
    Delete(usize),
}

fn live() -> Cluster {
    Cluster::new(Mesh {
        live: true,
        ..Mesh::default()
    })
}

fn enter(change: Change, cluster: &mut Cluster) -> Key {
    let object = match change {
        Change::Apply(value) => Object::parse(&value, "default").expect("a known kind"),
        Change::Known(object) => *object,
        Change::Delete(index) => {
            let mut keys: Vec<Key> = cluster.keys().cloned().collect();
            keys.sort();
            let none = Key::new(Kind::Service, "none", "none");
            let key = keys.get(index % keys.len().max(1)).unwrap_or(&none);
            cluster.delete(key);
            return key.clone();
        }
    };
    let key = object.key().clone();
    cluster.apply(object);
    key
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => placed().prop_map(Change::Apply),
        3 => properties::object().prop_map(|object| Change::Known(Box::new(object))),
        3 => any::<usize>().prop_map(Change::Delete),
        1 => labelled().prop_map(Change::Apply),
    ]
}

/// An object of a random flow, here or elsewhere, allowing something or not.
fn placed() -> impl Strategy<Value = Value> {
    let objects = scenario().prop_flat_map(|scenario| {
        let all = scenario.rollouts.into_iter().chain(scenario.others);
        select(
            all.chain(scenario.live)
                .chain([scenario.written])
                .collect::<Vec<_>>(),
        )
    });
    let namespaces = select(vec!["default", "default", "a"]);
    let allow = prop::option::weighted(0.1, select(vec!["*", "RG302", "weights"]));
    (objects, namespaces, allow).prop_map(|(mut object, namespace, allow)| {
        object["metadata"]["namespace"] = json!(namespace);
        if let Some(allow) = allow {
            object["metadata"]["annotations"] = json!({ALLOW: allow});
        }
        object
    })
}

fn labelled() -> impl Strategy<Value = Value> {
    select(vec!["guard", "strict", "off"]).prop_map(|label| namespace(&json!({ENFORCE: label})))
}

fn namespace(labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", "labels": labels}})
}

fn rollout() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "app"},
        "spec": {
            "selector": {"matchLabels": {"app": "app"}},
            "template": {"metadata": {"labels": {"app": "app"}}},
            "strategy": {"canary": {
                "trafficRouting": {"istio": {"virtualService": {"name": "app"}, "destinationRule": {
                    "name": "app", "canarySubsetName": "canary", "stableSubsetName": "stable",
                }}},
            }},
        },
    })
}
