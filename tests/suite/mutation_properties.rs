//! Properties of the mutations, over random Rollouts, live objects, statuses and writes.

use proptest::prelude::*;
use rollout_guard::cluster::Cluster;
use rollout_guard::decide::{Decision, Evidence, decide, decide_by};
use rollout_guard::mutations::{MUTATIONS, Patch};
use rollout_guard::request::{Phase, Request};
use rollout_guard::settings::Settings;
use rollout_guard::verdict::{Finding, Severity};
use serde_json::Value;

use crate::controller_values::users_part;
use crate::scenarios::{
    INSERTED, Scenario, broken_scenario, plain_scenario, scenario, status, unchanged_scenario,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_patch_makes_of_the_write_what_the_engine_judges(scenario in prop_oneof![scenario(), broken_scenario()]) {
        let (request, cluster) = (scenario.request(), scenario.cluster());
        let decision = mutate(request.clone(), &cluster);
        let patch = patch(&decision);
        let wire = serde_json::to_vec(patch.operations()).unwrap();
        let operations: json_patch::Patch = serde_json::from_slice(&wire).unwrap();
        let mut stored = request.object.clone();
        json_patch::patch(&mut stored, &operations).unwrap();
        prop_assert_eq!(&stored, &decision.request.object);
        prop_assert_eq!(patch.is_empty(), patch.notes().is_empty());
        prop_assert_eq!(patch.is_empty(), stored == request.object);
        prop_assert_eq!(patch.failures(), &[]);
        prop_assert_eq!(decision.into_request().object, request.object);
    }

    #[test]
    fn a_second_time_there_is_nothing_to_do(scenario in prop_oneof![scenario(), broken_scenario()]) {
        let cluster = scenario.cluster();
        let request = scenario.request_with(mutated(&scenario, &cluster));
        let again = mutate(request, &cluster);
        prop_assert_eq!(patch(&again).operations(), &[]);
    }

    #[test]
    fn in_any_order_there_is_nothing_left_to_do(
        scenario in scenario(),
        order in Just((0..MUTATIONS.len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let cluster = scenario.cluster();
        let request = scenario.request_with(mutated(&scenario, &cluster));
        for mutation in order.into_iter().map(|index| MUTATIONS[index]) {
            let request = Request { phase: Phase::Mutate, ..request.clone() };
            let decision = decide_by(&[mutation], request, &cluster, &Settings::default());
            prop_assert_eq!(patch(&decision).operations(), &[], "{}", mutation.name);
        }
    }

    #[test]
    fn what_the_user_wrote_arrives(scenario in scenario()) {
        let stored = mutated(&scenario, &scenario.cluster());
        let inserted = INSERTED.map(str::to_owned);
        let asked = users_part(&scenario.written, &scenario.written, &inserted);
        let got = users_part(&stored, &scenario.written, &inserted);
        prop_assert_eq!(got, asked);
        prop_assert_eq!(weights_of_others(&stored), weights_of_others(&scenario.written));
    }

    /// Of one flow. Where two Rollouts quarrel about one object, what is kept for one is wrong for the other.
    /// A warning may become an error: whether an extra destination shifts the weights (RG205) depends on
    /// weights that are kept.
    #[test]
    fn the_mutations_bring_no_error(scenario in scenario().prop_filter("one Rollout", is_single)) {
        let cluster = scenario.cluster();
        let findings = |object| findings(scenario.request_with(object), &cluster);
        let mut known = findings(scenario.written.clone());
        let live = scenario.live.clone().map(findings).unwrap_or_default();
        known.extend(live.into_iter().filter(is_error));
        known.retain(|finding| is_error(finding) || finding.rule.code == "RG205");
        for error in findings(mutated(&scenario, &cluster)).into_iter().filter(is_error) {
            let before = known.iter().any(|other| other.identity() == error.identity());
            prop_assert!(before, "{:?}", error);
        }
    }

    /// Whatever the status and the file say: once the controller speaks, the canary of a live route gets
    /// no more than it has.
    #[test]
    fn without_a_read_the_patch_is_empty_whatever_the_status_says(
        scenario in prop_oneof![scenario(), unchanged_scenario()],
        others in prop::collection::vec(status(), 4),
    ) {
        let cluster = scenario.cluster();
        let decision = mutate(scenario.request(), &cluster);
        if decision.unverified(cluster.mesh(), &Evidence::default(), 1).is_empty() {
            prop_assert_eq!(patch(&decision).operations(), &[]);
            for status in &others {
                let decision = mutate(scenario.request(), &with_status(&scenario, status));
                prop_assert_eq!(patch(&decision).operations(), &[], "{}", status);
            }
        }
    }

    #[test]
    fn a_live_canary_never_gets_more(scenario in plain_scenario()) {
        let stored = mutated(&scenario, &scenario.cluster());
        if let (Some(live), Some(kept)) = (scenario.live.as_ref().and_then(canary), canary(&stored)) {
            prop_assert!(kept <= live, "{kept} of {live}");
        }
    }
}

/// The cluster, in which all Rollouts have this status.
fn with_status(scenario: &Scenario, status: &Value) -> Cluster {
    let mut scenario = scenario.clone();
    for rollout in &mut scenario.rollouts {
        rollout["status"] = status.clone();
    }
    scenario.cluster()
}

fn mutated(scenario: &Scenario, cluster: &Cluster) -> Value {
    mutate(scenario.request(), cluster).request.object
}

fn mutate(request: Request, cluster: &Cluster) -> Decision {
    let request = Request {
        phase: Phase::Mutate,
        ..request
    };
    decide(request, cluster, &Settings::default())
}

fn patch(decision: &Decision) -> &Patch {
    &decision.mutation.as_ref().expect("a mutation").patch
}

fn is_single(scenario: &Scenario) -> bool {
    scenario.rollouts.len() == 1
}

fn findings(request: Request, cluster: &Cluster) -> Vec<Finding> {
    let decision = decide(request, cluster, &Settings::default());
    let judged = decision.judged.into_iter();
    judged.map(|judged| judged.finding).collect()
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// The weights of destinations that are no controller's in any scenario.
fn weights_of_others(object: &Value) -> Vec<Value> {
    let lists = ["http", "tcp"].iter();
    let routes = lists.flat_map(|list| object["spec"][*list].as_array().into_iter().flatten());
    let users = routes.filter(|route| INSERTED.iter().all(|name| route["name"] != *name));
    let destinations = users.flat_map(|route| route["route"].as_array().into_iter().flatten());
    let others = destinations.filter(|one| {
        let to = &one["destination"];
        to["host"] == "other" || to["subset"] == "extra"
    });
    others.cloned().collect()
}

/// The canary's weight in the first route `primary`, where that has both destinations.
fn canary(object: &Value) -> Option<i64> {
    let mut routes = object["spec"]["http"].as_array()?.iter();
    let route = routes.find(|route| route["name"] == "primary")?;
    let weight = |service: &str| {
        let mut destinations = route["route"].as_array()?.iter();
        let one = destinations.find(|one| one["destination"]["host"] == service)?;
        Some(one["weight"].as_i64().unwrap_or_default())
    };
    weight("app-stable")?;
    weight("app-canary")
}
