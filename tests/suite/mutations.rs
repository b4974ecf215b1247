//! Every fixture of every mutation: a cluster, a write over it, the patch and the one warning line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Decision, decide, kinds_read};
use rollout_guard::model::{Key, Kind, Object, Operation};
use rollout_guard::mutations::{MUTATIONS, Mutation};
use rollout_guard::request::{Phase, Request};
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

use crate::expected::snapshots;
use crate::fixture::{Fixture, files, request_of};

#[test]
fn every_mutation_changes_what_its_snapshot_says() {
    let mut pages = BTreeMap::new();
    for mutation in MUTATIONS {
        let mut page = String::new();
        for path in fixtures(mutation) {
            let fixture = Fixture::read(&path);
            same_on_dry_run(&fixture);
            let lines = changes(&fixture, mutation);
            let expected = fixture.verdict() != "none";
            assert_eq!(!lines.is_empty(), expected, "{}: {lines:?}", path.display());
            if expected {
                page += &format!("{}\n  {}\n\n", fixture.name(), lines.join("\n  "));
            }
        }
        pages.insert(mutation.name, page);
    }
    snapshots("tests/mutations", &pages);
}

/// The canary's pods are gone, and the controller has taken the traffic from it: 0/100. It cannot
/// write its status, which still says 5. Each apply of the file moves the list's ownership from the
/// controller to kubectl, so that from the second on nobody but the status speaks for the controller.
#[test]
fn a_canary_whose_pods_are_gone_gets_nothing_however_often_the_file_is_applied() {
    let mut cluster = Cluster::default();
    let rollout = Object::parse(&rollout_at_five(), "default");
    cluster.apply(rollout.expect("a Rollout"));
    let key = Key::new(Kind::VirtualService, "default", "app");
    let mut stored = virtual_service("rollouts-controller", 0, 100);
    for apply in 1..=3 {
        let file = virtual_service("kubectl-client-side-apply", 50, 50);
        cluster.apply(Object::parse(&stored, "default").expect("a VirtualService"));
        let request = request_of(&key, Operation::Update, file, stored);
        stored = mutate(request, &cluster, &Settings::default())
            .request
            .object;
        let kept = virtual_service("kubectl-client-side-apply", 0, 100);
        assert_eq!(stored, kept, "apply {apply}");
    }
}

/// A dry run gets the same answer; under profile `observe` the object is stored as written.
/// What is not read by a rule either would not be watched.
#[test]
fn mutations_read_no_kind_that_is_not_watched() {
    let watched = kinds_read();
    for path in MUTATIONS.iter().flat_map(fixtures) {
        let fixture = Fixture::read(&path);
        let decision = mutate(fixture.request(), &fixture.cluster(), &fixture.settings);
        let mutated = decision.mutation.unwrap_or_default();
        for fact in mutated.reads {
            assert!(watched.contains(&fact.kind()), "{}", path.display());
        }
    }
}

fn same_on_dry_run(fixture: &Fixture) {
    let mut request = fixture.request();
    let (cluster, settings) = (fixture.cluster(), &fixture.settings);
    let wet = mutate(request.clone(), &cluster, settings);
    request.dry_run = true;
    let dry = mutate(request.clone(), &cluster, settings);
    let path = fixture.path.display();
    let of = |decision: &Decision| {
        let mutated = decision.mutation.clone().unwrap_or_default();
        (
            mutated.patch.operations().to_vec(),
            mutated.patch.notes().to_vec(),
            mutated.observed,
        )
    };
    assert_eq!(of(&dry), of(&wet), "{path}");
    let (_, _, observed) = of(&dry);
    assert!(!observed || dry.request.object == request.object, "{path}");
    assert_eq!(
        dry.into_request(),
        Request {
            phase: Phase::Mutate,
            ..request
        },
        "{path}"
    );
}

fn mutate(request: Request, cluster: &Cluster, settings: &Settings) -> Decision {
    let phase = Phase::Mutate;
    decide(Request { phase, ..request }, cluster, settings)
}

fn rollout_at_five() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "app"},
        "spec": {"strategy": {"canary": {
            "canaryService": "app-canary",
            "stableService": "app-stable",
            "trafficRouting": {"istio": {"virtualService": {"name": "app", "routes": ["primary"]}}},
        }}},
        "status": {"stableRS": "aaa", "currentPodHash": "bbb", "canary": {"weights": {
            "canary": {"weight": 5, "podTemplateHash": "bbb", "serviceName": "app-canary"},
            "stable": {"weight": 95, "podTemplateHash": "aaa", "serviceName": "app-stable"},
        }}},
    })
}

fn virtual_service(manager: &str, canary: i64, stable: i64) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "app", "managedFields": [
            {"manager": manager, "fieldsV1": {"f:spec": {"f:http": {}}}},
        ]},
        "spec": {"hosts": ["app"], "http": [{"name": "primary", "route": [
            {"destination": {"host": "app-canary"}, "weight": canary},
            {"destination": {"host": "app-stable"}, "weight": stable},
        ]}]},
    })
}

/// The operations and notes of one mutation; the others of its kind run too, before or after it.
fn changes(fixture: &Fixture, mutation: &Mutation) -> Vec<String> {
    let request = fixture.request();
    let decision = mutate(request, &fixture.cluster(), &fixture.settings);
    let mutated = decision.mutation.unwrap_or_default();
    if !mutated.by.contains(&mutation.name) {
        return Vec::new();
    }
    let operations = mutated.patch.operations().iter();
    let operations = operations.map(|operation| {
        let value = serde_json::to_value(operation).expect("an operation");
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("op"), text("path"), value["value"])
    });
    let notes = mutated
        .patch
        .notes()
        .iter()
        .map(|note| format!("warning: {note}"));
    let observed = mutated.observed.then(|| "observed".to_owned());
    operations.chain(notes).chain(observed).collect()
}

/// The fixture files of a mutation.
pub fn fixtures(mutation: &Mutation) -> Vec<PathBuf> {
    files("tests/mutations", mutation.name)
}
