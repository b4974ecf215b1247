//! Hostile input: whatever JSON stands where an object should, the answer is well formed or a refusal,
//! and nothing panics. The same for texts that are nearly YAML.

use proptest::prelude::*;
use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::{Action, Exempt};
use rollout_guard::model::{Kind, Object};
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use rollout_guard::source::{Limits, edit, parse};
use rollout_guard::verdict::Finding;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, answer};

proptest! {
    #[test]
    fn any_object_gets_a_well_formed_answer(
        kind in prop::sample::select(&Kind::ALL),
        written in document(),
        live in document(),
        known in prop::collection::vec((prop::sample::select(&Kind::ALL), document()), 0..6),
        operation in prop::sample::select(vec!["CREATE", "UPDATE", "DELETE"]),
    ) {
        let mut cluster = Cluster::new(Mesh::default());
        for (kind, value) in known {
            cluster.apply(Object::parse_as(kind, &value, "a"));
        }
        let (object, old) = match operation {
            "CREATE" => (written, Value::Null),
            "DELETE" => (Value::Null, live),
            _ => (written, live),
        };
        let review = |object: &Value, old: &Value| json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "u",
                "kind": {"group": kind.group(), "kind": kind.as_str()},
                "operation": operation,
                "namespace": "a",
                "object": object,
                "oldObject": old,
            },
        });
        let body = serde_json::to_vec(&review(&object, &old)).expect("JSON");
        for endpoint in [Phase::Validate, Phase::Mutate, Phase::MutateThenValidate] {
            if let Ok(answer) = answer(&body, endpoint, &cluster, &Settings::default()) {
                let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
                prop_assert_eq!(&answer["response"]["uid"], "u");
            }
        }
        // What nothing reads changes no answer, however deep it is.
        let whole = answer(&body, Phase::Validate, &cluster, &Settings::default());
        let [object, old] = [object, old].map(with_deep_field);
        let body = serde_json::to_vec(&review(&object, &old)).expect("JSON");
        let partial = answer(&body, Phase::Validate, &cluster, &Settings::default());
        if let (Ok(whole), Ok(partial)) = (whole, partial)
            && whole.decision.exempt != Some(Exempt::ControllerByFields)
        {
            let findings = |answer: &Answer| -> Vec<(Finding, Action)> {
                let judged = answer.decision.judged.iter();
                judged.map(|judged| (judged.finding.clone(), judged.action)).collect()
            };
            prop_assert_eq!(findings(&whole), findings(&partial));
        }
    }

    #[test]
    fn any_bytes_are_answered_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let cluster = Cluster::new(Mesh::default());
        let _ = answer(&bytes, Phase::Validate, &cluster, &Settings::default());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-a-z:{}\\[\\],&*!|>#'\"\\\\ \t\n<~0-9é]{0,120}") {
        if let Ok(documents) = parse(&text, Limits::default()) {
            for document in documents {
                let path = rollout_guard::field::Path::of(["a", "b"]);
                let _ = document.locate(&path);
                if let Some(edit) = edit::set(&text, &document, &path, &json!("x")) {
                    let _ = edit::apply(&text, &[edit]);
                }
            }
        }
    }
}

fn with_deep_field(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        let deep = (0..100).fold(Value::Null, |inner, _| json!([inner]));
        fields.insert("x".to_owned(), deep);
    }
    object
}

/// Objects whose keys are those that the model reads, with anything in them.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop::sample::select(WORDS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 96, 6, |inner| {
        let key = prop::sample::select(KEYS).prop_map(str::to_owned);
        let object = prop::collection::vec((key, inner.clone()), 0..8)
            .prop_map(|entries| Value::Object(Map::from_iter(entries)));
        prop_oneof![4 => object, 1 => prop::collection::vec(inner, 0..4).prop_map(Value::from)]
    })
}

const WORDS: &[&str] = &[
    "a",
    "b",
    "primary",
    "*",
    ".",
    "*.a",
    "a.a.svc.cluster.local",
    "~",
    "25%",
    "5m",
];

const KEYS: &[&str] = &[
    "metadata",
    "name",
    "namespace",
    "annotations",
    "labels",
    "managedFields",
    "fieldsV1",
    "manager",
    "rollout-guard.io/allow",
    "spec",
    "status",
    "strategy",
    "canary",
    "blueGreen",
    "trafficRouting",
    "istio",
    "virtualService",
    "virtualServices",
    "destinationRule",
    "canarySubsetName",
    "stableSubsetName",
    "additionalSubsetNames",
    "routes",
    "tlsRoutes",
    "tcpRoutes",
    "managedRoutes",
    "canaryService",
    "stableService",
    "pingPong",
    "pingService",
    "pongService",
    "steps",
    "setWeight",
    "pause",
    "duration",
    "setHeaderRoute",
    "setMirrorRoute",
    "match",
    "headerValue",
    "exact",
    "hosts",
    "host",
    "gateways",
    "exportTo",
    "http",
    "tls",
    "tcp",
    "route",
    "destination",
    "subset",
    "weight",
    "weights",
    "additional",
    "mirror",
    "mirrors",
    "delegate",
    "subsets",
    "selector",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
    "ports",
    "port",
    "number",
    "template",
    "workloadRef",
    "kind",
    "apiVersion",
    "stableRS",
    "currentPodHash",
    "abort",
    "podTemplateHash",
    "serviceName",
    "trafficPolicy",
    "connectionPool",
    "portLevelSettings",
    "f:spec",
    "f:http",
    "sniHosts",
    "activeService",
    "previewService",
];

/// The API server drops warnings with control characters; a terminal would obey the others.
#[test]
fn no_answer_holds_a_character_that_deceives() {
    let rule = json!({"metadata": {"namespace": "a", "name": "r"},
        "spec": {"host": "app", "subsets": [{"name": "v1"}]}});
    let mut cluster = Cluster::new(Mesh::default());
    cluster.apply(Object::parse_as(Kind::DestinationRule, &rule, "a"));
    let name = format!("v\u{202e}9\n\u{1b}[2K{}", "x".repeat(300));
    let service = |subset: &str| {
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"namespace": "a", "name": name,
                         "annotations": {"rollout-guard.io/allow": format!("{name},")}},
            "spec": {"hosts": ["app"], "http": [{"name": name,
                "route": [{"destination": {"host": "app", "subset": subset}}]}]}})
    };
    let request = json!({"uid": "u", "operation": "UPDATE", "namespace": "a", "name": name,
        "kind": {"group": "networking.istio.io", "kind": "VirtualService"},
        "object": service(&name), "oldObject": service("v1")});
    let review =
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let body = serde_json::to_vec(&review).unwrap();
    let answer = answer(&body, Phase::Validate, &cluster, &Settings::default()).unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let response = &answer["response"];
    assert_eq!(response["allowed"], false);
    let status = &response["status"];
    let warnings = response["warnings"].as_array().unwrap();
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.ends_with("which is no rule and no mutation"),
        "{warning}"
    );
    let message = status["message"].as_str().unwrap().lines();
    let causes = status["details"]["causes"].as_array().unwrap().iter();
    let causes = causes.flat_map(|cause| [&cause["message"], &cause["field"]]);
    let texts = causes.chain(warnings).chain([&status["details"]["name"]]);
    let texts = texts.map(|text| text.as_str().unwrap()).chain(message);
    for text in texts {
        let deceives = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!text.contains(deceives), "{text:?}");
    }
}
