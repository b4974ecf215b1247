//! The two webhook configurations.

use std::collections::BTreeSet;

use rollout_guard::model::Kind;
use rollout_guard::mutations::MUTATIONS;
use serde_json::{Value, json};

use super::helm::{Helm, scenarios};
use super::rendered::{Rendered, list, texts};

pub fn webhook_rules_come_from_the_catalogue(helm: &Helm) {
    let judged = Kind::ALL.into_iter().filter(|kind| kind.is_guarded());
    let mutated = MUTATIONS
        .iter()
        .flat_map(|mutation| mutation.kinds.iter().copied());
    let rendered = helm.render("default");
    let expected = |kinds: &mut dyn Iterator<Item = Kind>| -> BTreeSet<String> {
        kinds
            .map(|kind| format!("{}/{}", kind.group(), kind.plural()))
            .collect()
    };
    assert_eq!(
        resources(&rendered, VALIDATING),
        expected(&mut judged.into_iter())
    );
    assert_eq!(
        resources(&rendered, MUTATING),
        expected(&mut mutated.into_iter())
    );
    for (kind, operations) in [
        (VALIDATING, json!(["CREATE", "UPDATE", "DELETE"])),
        (MUTATING, json!(["CREATE", "UPDATE"])),
    ] {
        for rule in rendered
            .webhooks(kind)
            .iter()
            .flat_map(|webhook| list(&webhook["rules"]))
        {
            assert_eq!(rule["operations"], operations);
            assert_eq!(rule["scope"], "Namespaced");
            let versions = match rule["apiGroups"][0].as_str() {
                Some("networking.istio.io") => json!(["v1", "v1beta1", "v1alpha3"]),
                Some("argoproj.io") => json!(["v1alpha1"]),
                _ => json!(["v1"]),
            };
            assert_eq!(rule["apiVersions"], versions);
        }
    }
}

pub fn names_are_unique_and_qualified(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let all = [MUTATING, VALIDATING]
            .map(|kind| rendered.webhooks(kind))
            .concat();
        let names: BTreeSet<&str> = all
            .iter()
            .filter_map(|webhook| webhook["name"].as_str())
            .collect();
        assert_eq!(names.len(), all.len(), "{names:?}");
        assert!(
            names.iter().all(|name| name.split('.').count() >= 3),
            "{names:?}"
        );
        for webhook in all {
            assert_eq!(webhook["matchPolicy"], "Equivalent");
            assert_eq!(webhook["sideEffects"], "None");
            assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
            assert_eq!(webhook["clientConfig"]["service"]["namespace"], "guard");
            assert_eq!(webhook["clientConfig"]["service"]["port"], 443);
        }
    }
}

pub fn own_and_system_namespaces_are_not_guarded(helm: &Helm) {
    let rendered = helm.render("everything");
    for webhook in [MUTATING, VALIDATING]
        .map(|kind| rendered.webhooks(kind))
        .concat()
    {
        let selector = &webhook["namespaceSelector"];
        let expressions = list(&selector["matchExpressions"]);
        let system = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn",
            "values": ["kube-system", "kube-node-lease", "guard"]});
        let off =
            json!({"key": "rollout-guard.io/enforce", "operator": "NotIn", "values": ["off"]});
        let own = json!({"key": "tier", "operator": "In", "values": ["gold", "silver"]});
        assert_eq!(expressions, [system, off, own]);
        assert_eq!(selector["matchLabels"], json!({"mesh": "yes"}));
    }
}

pub fn the_controller_is_not_reviewed(helm: &Helm) {
    let rendered = helm.render("everything");
    for webhook in [MUTATING, VALIDATING]
        .map(|kind| rendered.webhooks(kind))
        .concat()
    {
        let expected = "!(request.userInfo.username in [\"system:serviceaccount:argo-rollouts:argo-rollouts\",\
                        \"system:serviceaccount:progressive-delivery:rollouts\"])";
        assert_eq!(
            condition(webhook, "not-the-rollouts-controller"),
            Some(expected)
        );
    }
    let rendered = helm.render("default");
    let (controllers, others): (Vec<&Value>, Vec<&Value>) = rendered
        .webhooks(MUTATING)
        .into_iter()
        .partition(|webhook| condition(webhook, "the-rollouts-controller").is_some());
    assert_eq!((controllers.len(), others.len()), (2, 2));
    for webhook in &others {
        assert!(condition(webhook, "not-the-rollouts-controller").is_some());
    }
    let closed = helm.render_with("default", &["--set", "webhook.mutating.failurePolicy=Fail"]);
    for webhook in closed.webhooks(MUTATING) {
        let controller = condition(webhook, "the-rollouts-controller").is_some();
        let expected = if controller { "Ignore" } else { "Fail" };
        assert_eq!(webhook["failurePolicy"], expected);
    }
    let rendered = helm.render_with("default", &["--set", "controller.users=null"]);
    for webhook in rendered.webhooks(MUTATING) {
        assert_eq!(condition(webhook, "not-the-rollouts-controller"), None);
    }
}

pub fn only_services_of_a_rollout_are_reviewed(helm: &Helm) {
    let rendered = helm.render("default");
    for webhook in [MUTATING, VALIDATING]
        .map(|kind| rendered.webhooks(kind))
        .concat()
    {
        let of_services = list(&webhook["rules"])
            .iter()
            .any(|rule| rule["resources"] == json!(["services"]));
        let condition = condition(webhook, "updates-of-a-rollouts-service");
        assert_eq!(condition.is_some(), of_services);
        for word in [
            "rollouts-pod-template-hash",
            "argo-rollouts.argoproj.io/managed-by-rollouts",
            "oldObject",
            "has(",
        ] {
            assert!(
                condition.is_none_or(|text| text.contains(word)),
                "{condition:?}"
            );
        }
    }
}

/// These writes must succeed even if no pod answers.
pub fn failing_closed_blocks_no_deletion(helm: &Helm) {
    let closed = helm.render("fail-closed");
    for webhook in closed.webhooks(VALIDATING) {
        let system = condition(webhook, "not-a-delete-by-the-system").expect("a condition");
        for user in rollout_guard::decide::SYSTEM {
            assert!(system.contains(user), "{system}");
        }
    }
    for webhook in [MUTATING, VALIDATING]
        .map(|kind| closed.webhooks(kind))
        .concat()
    {
        // The controller's writes are never refused, whoever answers.
        let of_controller = webhook["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("controller-"));
        let policy = if of_controller { "Ignore" } else { "Fail" };
        assert_eq!(webhook["failurePolicy"], policy, "{webhook:#}");
        if !of_controller {
            assert!(condition(webhook, "not-what-is-being-deleted").is_some());
        }
    }
    let open = helm.render("default");
    for webhook in [MUTATING, VALIDATING]
        .map(|kind| open.webhooks(kind))
        .concat()
    {
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert!(condition(webhook, "not-what-is-being-deleted").is_none());
    }
}

pub fn options_are_those_of_the_values(helm: &Helm) {
    let (default, everything) = (helm.render("default"), helm.render("everything"));
    let timeouts = |rendered: &Rendered, kind| {
        let webhooks = rendered.webhooks(kind).into_iter();
        let timeouts: BTreeSet<u64> = webhooks
            .filter_map(|webhook| webhook["timeoutSeconds"].as_u64())
            .collect();
        timeouts.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(timeouts(&default, MUTATING), [2]);
    assert_eq!(timeouts(&default, VALIDATING), [5]);
    assert_eq!(timeouts(&everything, MUTATING), [1]);
    assert_eq!(timeouts(&everything, VALIDATING), [7]);
    for webhook in default.webhooks(MUTATING) {
        assert_eq!(webhook["reinvocationPolicy"], "IfNeeded");
        assert_eq!(webhook["clientConfig"]["service"]["path"], "/mutate");
    }
    for webhook in default.webhooks(VALIDATING) {
        assert!(webhook["reinvocationPolicy"].is_null());
        assert_eq!(webhook["clientConfig"]["service"]["path"], "/validate");
    }
    for kind in [MUTATING, VALIDATING] {
        let annotations = &everything.one(kind)["metadata"]["annotations"];
        assert_eq!(annotations["note.example.com/webhook"], "1");
    }
}

/// `group/plural` of all rules of a configuration.
fn resources(rendered: &Rendered, kind: &str) -> BTreeSet<String> {
    let webhooks = rendered.webhooks(kind);
    let rules = webhooks.iter().flat_map(|webhook| list(&webhook["rules"]));
    let named = rules.flat_map(|rule| {
        let group = rule["apiGroups"][0].as_str().expect("a group");
        texts(&rule["resources"])
            .into_iter()
            .map(move |resource| format!("{group}/{resource}"))
    });
    named.collect()
}

fn condition<'a>(webhook: &'a Value, name: &str) -> Option<&'a str> {
    let mut conditions = list(&webhook["matchConditions"]).iter();
    let found = conditions.find(|condition| condition["name"] == name)?;
    found["expression"].as_str()
}

const MUTATING: &str = "MutatingWebhookConfiguration";
const VALIDATING: &str = "ValidatingWebhookConfiguration";
