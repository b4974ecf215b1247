//! Properties of what a namespace stores while others refer to it: over random scenarios, with a stranger and without.

use proptest::prelude::*;
use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Action, Judged, decide};
use rollout_guard::model::{Object, Operation};
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

use crate::fixture::request_of;
use crate::scenarios::{Scenario, scenario, stranger};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_rollout_that_cannot_act_changes_nothing_elsewhere(
        scenario in scenario().prop_map(by_kubectl),
        strangers in prop::collection::vec(stranger(), 1..4),
    ) {
        let alone = outcome(&scenario, &scenario.cluster());
        let beside = outcome(&scenario, &with(&scenario, &named(strangers)));
        prop_assert_eq!(beside, alone);
    }

    /// Nor can it keep an object from being deleted.
    #[test]
    fn a_rollout_that_cannot_act_denies_no_delete(
        scenario in scenario().prop_filter("a live object", |scenario| scenario.live.is_some()).prop_map(by_kubectl),
        stranger in stranger(),
    ) {
        let alone = delete(&scenario, &scenario.cluster());
        let beside = delete(&scenario, &with(&scenario, &[stranger]));
        prop_assert_eq!(beside, alone);
    }

    #[test]
    fn a_virtual_service_of_another_namespace_denies_nothing(
        scenario in scenario().prop_map(by_kubectl),
        subset in prop::sample::select(vec!["canary", "stable", "extra", "gone"]),
    ) {
        let client = json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "client", "namespace": "another"},
            "spec": {"hosts": ["client"], "http": [{"route": [
                {"destination": {"host": "app.default.svc.cluster.local", "subset": subset}},
            ]}]},
        });
        let alone = denials(&scenario, &scenario.cluster());
        let beside = denials(&scenario, &with(&scenario, &[client]));
        prop_assert_eq!(beside, alone);
    }
}

/// The scenario with a live object that nobody but people has written.
fn by_kubectl(mut scenario: Scenario) -> Scenario {
    if let Some(live) = &mut scenario.live {
        live["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    }
    scenario
}

fn named(strangers: Vec<Value>) -> Vec<Value> {
    let strangers = strangers.into_iter().enumerate();
    let named = strangers.map(|(index, mut stranger)| {
        stranger["metadata"]["name"] = json!(format!("evil-{index}"));
        stranger
    });
    named.collect()
}

fn with(scenario: &Scenario, more: &[Value]) -> Cluster {
    let mut cluster = scenario.cluster();
    for object in more {
        cluster.apply(Object::parse(object, "default").expect("a known kind"));
    }
    cluster
}

/// What is stored, and all that is said.
fn outcome(scenario: &Scenario, cluster: &Cluster) -> (Value, Vec<String>) {
    let mut request = scenario.request();
    request.phase = Phase::Mutate;
    let stored = decide(request, cluster, &Settings::default());
    let mut patched = stored.request.object.clone();
    let notes = stored
        .mutation
        .map(|mutated| mutated.patch.notes().to_vec());
    let request = scenario.request_with(std::mem::take(&mut patched));
    let judged = decide(request.clone(), cluster, &Settings::default()).judged;
    let mut said: Vec<String> = judged.iter().map(line).collect();
    said.extend(notes.into_iter().flatten());
    (request.object, said)
}

/// What is denied, whatever the words.
fn denials(scenario: &Scenario, cluster: &Cluster) -> Vec<String> {
    let judged = decide(scenario.request(), cluster, &Settings::default()).judged;
    let denied = judged.iter().filter(|judged| judged.action == Action::Deny);
    denied
        .map(|judged| format!("{:?}", judged.finding.identity()))
        .collect()
}

fn delete(scenario: &Scenario, cluster: &Cluster) -> Vec<String> {
    let live = scenario.live.clone().expect("a live object");
    let object = Object::parse(&live, "default").expect("a known kind");
    let request = request_of(object.key(), Operation::Delete, Value::Null, live);
    let judged = decide(request, cluster, &Settings::default()).judged;
    judged.iter().map(line).collect()
}

fn line(judged: &Judged) -> String {
    let finding = &judged.finding;
    format!("{:?} {} {}", judged.action, finding.rule, finding.message)
}
