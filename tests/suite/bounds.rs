//! What a review may cost: what nothing reads is skipped at any depth, lists are bounded, and no denial is lost.

use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::{Decision, Undecided};
use rollout_guard::model::Object;
use rollout_guard::request::Phase;
use rollout_guard::review::{allow_unread, parse, render};
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

use crate::answer::answer;

#[test]
fn a_deep_value_hides_no_fault() {
    for levels in [130, 100_000] {
        let deep = "[".repeat(levels) + &"]".repeat(levels);
        let faulty = virtual_service(json!([route("a", -5)]));
        let body = update(&faulty, &virtual_service(json!([route("a", 5)])));
        let body = body.replacen("\"spec\":{", &format!("\"spec\":{{\"x\":{deep},"), 1);
        assert!(decided(&body, &empty()).is_denied(), "{levels} levels");
    }
}

#[test]
fn many_small_objects_hide_no_fault() {
    let mut faulty = virtual_service(json!([route("a", -5)]));
    faulty["spec"]["x"] = vec![json!({"": 0}); 20_000].into();
    let body = update(&faulty, &virtual_service(json!([route("a", 5)])));
    let decision = decided(&body, &empty());
    assert!(decision.request.is_partial() && decision.is_denied());
}

#[test]
fn malformed_entries_are_counted() {
    let faulty = virtual_service(json!(vec![7; 16_000]));
    let decision = decided(&update(&faulty, &virtual_service(json!([]))), &empty());
    let malformed: Vec<String> = decision
        .denials()
        .filter(|judged| judged.finding.rule.code == "RG505")
        .map(|judged| judged.finding.message.to_string())
        .collect();
    assert_eq!(malformed.len(), 51, "{malformed:?}");
}

#[test]
fn a_list_that_is_too_long_is_told() {
    let faulty = virtual_service(json!(vec![json!({}); 15_000]));
    let decision = decided(&update(&faulty, &virtual_service(json!([]))), &empty());
    let mut messages = decision
        .denials()
        .map(|judged| judged.finding.message.to_string());
    assert!(messages.any(|message| message.contains("entries are not read")));
}

#[test]
fn a_new_fault_behind_many_old_ones_is_denied() {
    let routes = |count: i64| {
        let routes = (0..count).map(|index| route(&format!("r{index}"), -1));
        virtual_service(routes.collect::<Value>())
    };
    let unchanged = decided(&update(&routes(150), &routes(150)), &empty());
    assert!(!unchanged.is_denied() && !unchanged.judged.is_empty());
    let one_more = decided(&update(&routes(151), &routes(150)), &empty());
    assert_eq!(one_more.denials().count(), 1);
    assert!(decided(&update(&routes(3), &routes(2)), &empty()).is_denied());
}

#[test]
fn of_thousands_of_objects_those_are_judged_that_a_write_can_harm() {
    let rule = |subset: &str, pool: i64| {
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "DestinationRule",
            "metadata": {"name": "a", "namespace": "ns"},
            "spec": {
                "host": "a",
                "trafficPolicy": {"connectionPool": {"http": {"maxRetries": pool}}},
                "subsets": [{"name": subset}],
            },
        })
    };
    let mut cluster = empty();
    let routes = json!([{"name": "p", "route": [{"destination": {"host": "a", "subset": "v1"}}]}]);
    for index in 0..1_000 {
        let mut service = virtual_service(routes.clone());
        service["metadata"]["name"] = json!(format!("v{index}"));
        cluster.apply(Object::parse(&service, "ns").expect("a VirtualService"));
    }
    cluster.apply(Object::parse(&rule("v1", 1), "ns").expect("a DestinationRule"));
    let policy = decided(&update(&rule("v1", 2), &rule("v1", 1)), &cluster);
    assert!(
        !policy.is_denied() && policy.notes.is_empty(),
        "{:?}",
        policy.notes
    );
    let dropped = decided(&update(&rule("v2", 1), &rule("v1", 1)), &cluster);
    assert!(dropped.denials().count() >= 50);
    assert!(
        dropped
            .notes
            .iter()
            .any(|note| note.contains("more objects refer to this one"))
    );
}

#[test]
fn a_review_that_cannot_be_read_is_answered_if_it_has_a_uid() {
    let whole = update(&virtual_service(json!([])), &virtual_service(json!([])));
    let cut = whole.split_at(whole.len() - 5).0;
    let no_object = whole.replace("\"object\"", "\"other\"");
    let unknown_operation = whole.replace("UPDATE", "UPSERT");
    for body in [cut, &no_object, &unknown_operation] {
        let error = parse(body.as_bytes(), Phase::Validate).expect_err("no review");
        let decision = allow_unread(&error, Phase::Validate, Undecided::Unreadable).expect("a uid");
        let answer = render(&decision).expect("an answer");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let response = &answer["response"];
        assert_eq!(
            (&response["uid"], &response["allowed"]),
            (&json!("u"), &json!(true))
        );
        assert_eq!(response["auditAnnotations"]["exempt"], "unreadable");
        assert_eq!(response["warnings"].as_array().map(Vec::len), Some(1));
    }
    let other_version = whole.replace("admission.k8s.io/v1", "admission.k8s.io/v2");
    let no_uid = whole.replace("\"uid\"", "\"id\"");
    for body in [other_version.as_str(), &no_uid, "{", "[]", ""] {
        let error = parse(body.as_bytes(), Phase::Validate).expect_err("no review");
        assert!(
            allow_unread(&error, Phase::Validate, Undecided::Unreadable).is_none(),
            "{body}"
        );
    }
}

#[test]
fn rollouts_that_the_controller_refuses_hide_no_owner() {
    let rollout = |name: &str, steps: Value| {
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": "ns"},
            "spec": {
                "selector": {"matchLabels": {"app": "a"}},
                "template": {
                    "metadata": {"labels": {"app": "a"}},
                    "spec": {"containers": [{"name": "a", "image": "a"}]},
                },
                "strategy": {"canary": {
                    "canaryService": "canary",
                    "stableService": "stable",
                    "steps": steps,
                }},
            },
        })
    };
    let refused = json!([{"setWeight": -1}]);
    let mut cluster = empty();
    for index in 0..300 {
        let other = rollout(&format!("b{index}"), refused.clone());
        cluster.apply(Object::parse(&other, "ns").expect("a Rollout"));
    }
    let new = rollout("a", json!([{"setWeight": 5}]));
    let create = |cluster: &Cluster| {
        let body = update(&new, &Value::Null).replace("UPDATE", "CREATE");
        decided(&body, cluster)
    };
    let alone = create(&cluster);
    assert!(!alone.is_denied(), "{:?}", alone.judged);
    let owner = rollout("z", json!([]));
    cluster.apply(Object::parse(&owner, "ns").expect("a Rollout"));
    let beside = create(&cluster);
    let mut codes = beside.denials().map(|judged| judged.finding.rule.code);
    assert!(codes.any(|code| code == "RG603"), "{:?}", beside.judged);
}

fn decided(body: &str, cluster: &Cluster) -> Decision {
    let settings = Settings::default();
    let answer = answer(body.as_bytes(), Phase::Validate, cluster, &settings);
    answer.expect("an AdmissionReview").decision
}

fn empty() -> Cluster {
    Cluster::new(Mesh::default())
}

fn virtual_service(http: impl Into<Value>) -> Value {
    let http: Value = http.into();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "v", "namespace": "ns"},
        "spec": {"hosts": ["a"], "http": http},
    })
}

fn route(name: &str, weight: i64) -> Value {
    json!({"name": name, "route": [{"destination": {"host": "a"}, "weight": weight}]})
}

fn update(new: &Value, old: &Value) -> String {
    let group = new["apiVersion"].as_str().unwrap_or_default();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": group.split('/').next(), "kind": new["kind"]},
            "operation": "UPDATE",
            "namespace": "ns",
            "name": new["metadata"]["name"],
            "userInfo": {"username": "developer"},
            "object": new,
            "oldObject": old,
        },
    });
    review.to_string()
}
