//! The permissions of the pods, and what an uninstall leaves.

use std::collections::BTreeSet;

use rollout_guard::decide::kinds_read;
use serde_json::{Value, json};

use super::helm::{Helm, scenarios};
use super::rendered::{is_hook, list, texts};

pub fn reads_only_what_rules_read(helm: &Helm) {
    let rendered = helm.render("default");
    let mut granted = BTreeSet::new();
    for rule in list(&rendered.one("ClusterRole")["rules"]) {
        if rule["verbs"] != json!(["get", "list", "watch"]) {
            continue;
        }
        for group in texts(&rule["apiGroups"]) {
            let resources = texts(&rule["resources"]).into_iter();
            granted.extend(resources.map(|resource| format!("{group}/{resource}")));
        }
    }
    let read = kinds_read().into_iter();
    let expected = read.map(|kind| format!("{}/{}", kind.group(), kind.plural()));
    let expected: BTreeSet<String> = expected.collect();
    assert_eq!(granted, expected);
}

pub fn writes_only_its_own_objects(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let roles = [rendered.one("ClusterRole"), rendered.one("Role")];
        let rules = roles.iter().flat_map(|role| list(&role["rules"]));
        for rule in rules.filter(|rule| rule["verbs"] != json!(["get", "list", "watch"])) {
            let (resources, verbs) = (texts(&rule["resources"]), texts(&rule["verbs"]));
            let named = !list(&rule["resourceNames"]).is_empty();
            let only_creates = verbs == ["create"] && ["leases", "secrets"].contains(&resources[0]);
            let events = resources == ["events"] && verbs == ["create"];
            let asks = resources == ["subjectaccessreviews"] && verbs == ["create"];
            let reports = scenario == "everything" && resources == ["reports"];
            assert!(
                named || only_creates || events || asks || reports,
                "{scenario}: {rule}"
            );
            assert!(!verbs.contains(&"*"), "{rule}");
            assert!(!verbs.contains(&"delete") || reports, "{rule}");
        }
        let self_managed =
            !["cert-manager", "cert-manager-issuer", "own-secret"].contains(&scenario.as_str());
        let text = serde_json::to_string(&roles).expect("JSON");
        assert_eq!(text.contains("secrets"), self_managed, "{scenario}");
        assert_eq!(
            text.contains("webhookconfigurations"),
            self_managed,
            "{scenario}"
        );
        let pod = &rendered.pod()["spec"]["serviceAccountName"];
        for kind in ["ClusterRoleBinding", "RoleBinding"] {
            assert_eq!(
                &rendered.one(kind)["subjects"][0]["name"],
                pod,
                "{scenario}"
            );
        }
        assert_eq!(&rendered.one("ServiceAccount")["metadata"]["name"], pod);
    }
}

pub fn asks_for_rights_of_users_only_when_told_to(helm: &Helm) {
    let asks = |more: &[&str]| {
        let rendered = helm.render_with("default", more);
        let rules = &rendered.one("ClusterRole")["rules"];
        let rules = list(rules).iter();
        let asking = rules.filter(|rule| texts(&rule["resources"]) == ["subjectaccessreviews"]);
        asking.cloned().collect::<Vec<Value>>()
    };
    assert_eq!(asks(&[]), Vec::<Value>::new());
    let expected = json!({
        "apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"],
    });
    assert_eq!(asks(&["--set", "allowAnnotation=authorized"]), [expected]);
}

pub fn writes_reports_only_when_told_to(helm: &Helm) {
    let reports = |more: &[&str]| {
        let rendered = helm.render_with("default", more);
        let rules = list(&rendered.one("ClusterRole")["rules"]).iter();
        let of_reports = rules.filter(|rule| texts(&rule["resources"])[0].ends_with("reports"));
        let groups: Vec<String> = of_reports
            .map(|rule| {
                assert_eq!(rule["verbs"], json!(["list", "create", "patch", "delete"]));
                format!(
                    "{}/{}",
                    texts(&rule["apiGroups"])[0],
                    texts(&rule["resources"])[0]
                )
            })
            .collect();
        let arguments = rendered.arguments().into_iter();
        let flag = arguments.filter(|argument| argument.starts_with("--policy-reports"));
        (groups, flag.map(str::to_owned).collect::<Vec<String>>())
    };
    assert_eq!(reports(&[]), (vec![], vec![]));
    let (groups, flag) = reports(&["--set", "policyReports.enabled=true"]);
    assert_eq!(
        groups,
        ["wgpolicyk8s.io/policyreports", "openreports.io/reports"]
    );
    assert_eq!(flag, ["--policy-reports=wgpolicyk8s.io,openreports.io"]);
    let one = [
        "--set",
        "policyReports.enabled=true,policyReports.groups={openreports.io}",
    ];
    let (groups, flag) = reports(&one);
    assert_eq!(groups, ["openreports.io/reports"]);
    assert_eq!(flag, ["--policy-reports=openreports.io"]);
}

/// The Secret and the Lease belong to the release, and an upgrade does not change their content.
pub fn goes_with_the_release(helm: &Helm) {
    let rendered = helm.render("default");
    let arguments = rendered.arguments();
    for (object, flag) in [("Secret", "--tls-secret"), ("Lease", "--lease")] {
        let object = rendered.one(object);
        let name = object["metadata"]["name"].as_str().expect("a name");
        assert!(
            arguments.contains(&format!("{flag}={name}").as_str()),
            "{arguments:?}"
        );
        for content in ["data", "stringData", "spec"] {
            assert!(object[content].is_null(), "{object}");
        }
    }
    for object in rendered.objects.iter().filter(|object| !is_hook(object)) {
        let annotations = &object["metadata"]["annotations"];
        assert!(annotations["helm.sh/resource-policy"].is_null(), "{object}");
    }
}

pub fn the_self_test_leaves_nothing_behind(helm: &Helm) {
    let rendered = helm.render("everything");
    let hooks: Vec<&Value> = rendered
        .objects
        .iter()
        .filter(|object| is_hook(object))
        .collect();
    let kinds: BTreeSet<&str> = hooks
        .iter()
        .filter_map(|hook| hook["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["Pod", "Role", "RoleBinding", "ServiceAccount"])
    );
    for hook in &hooks {
        let annotations = &hook["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/hook"], "test");
        assert_eq!(
            annotations["helm.sh/hook-delete-policy"],
            "before-hook-creation,hook-succeeded"
        );
    }
    let role = rendered.named("Role", "the-guard-self-test");
    assert_eq!(role["metadata"]["namespace"], "guarded");
    assert_eq!(
        role["rules"],
        json!([{"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["create"]}])
    );
    let arguments = |scenario: &str, more: &[&str]| {
        let rendered = helm.render_with(scenario, more);
        let pod = rendered.all("Pod").into_iter().next().expect("a pod");
        texts(&pod["spec"]["containers"][0]["args"]).join(" ")
    };
    assert_eq!(
        arguments("default", &[]),
        "self-test --namespace=default --expect=warning"
    );
    assert_eq!(arguments("enforce", &[]), "self-test --namespace=default");
    assert_eq!(
        arguments("default", &["--set", "actions.RG103=deny"]),
        "self-test --namespace=default"
    );
    assert_eq!(
        arguments("everything", &[]),
        "self-test --namespace=guarded --expect=warning"
    );
    let off = helm.render_with("default", &["--set", "actions.duplicate-services=off"]);
    assert!(!off.objects.iter().any(is_hook));
}
