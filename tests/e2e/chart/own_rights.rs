//! What bounds the pods themselves: the policy over their ServiceAccount, who may call them, their priority and memory.

use serde_json::{Value, json};

use super::helm::{Helm, scenarios};
use super::rendered::{Rendered, list, texts};

pub fn a_policy_narrows_the_account(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let policy = rendered.one("ValidatingAdmissionPolicy");
        let binding = &rendered.one("ValidatingAdmissionPolicyBinding")["spec"];
        assert_eq!(binding["policyName"], policy["metadata"]["name"]);
        assert_eq!(binding["validationActions"], json!(["Deny"]));
        assert_eq!(policy["spec"]["failurePolicy"], "Fail");
        let account = rendered.pod()["spec"]["serviceAccountName"].as_str();
        let user = format!(
            "request.userInfo.username == \"system:serviceaccount:guard:{}\"",
            account.expect("a name")
        );
        let conditions = list(&policy["spec"]["matchConditions"]);
        assert_eq!(conditions.len(), 1, "{scenario}");
        assert_eq!(conditions[0]["expression"], user, "{scenario}");
        assert!(covers_what_roles_grant(&rendered), "{scenario}");
    }
}

/// All writes but those of Events, which name no object that counts, and questions, which store nothing.
fn covers_what_roles_grant(rendered: &Rendered) -> bool {
    let constraints = &rendered.one("ValidatingAdmissionPolicy")["spec"]["matchConstraints"];
    let covered = list(&constraints["resourceRules"]).iter();
    let covered: Vec<&str> = covered.flat_map(|rule| texts(&rule["resources"])).collect();
    let rules = [rendered.one("ClusterRole"), rendered.one("Role")];
    let rules = rules.iter().flat_map(|role| list(&role["rules"]));
    let writes = rules.filter(|rule| rule["verbs"] != json!(["get", "list", "watch"]));
    let mut written = writes.flat_map(|rule| texts(&rule["resources"]));
    let harmless = ["events", "subjectaccessreviews"];
    written.all(|resource| harmless.contains(&resource) || covered.contains(&resource))
}

pub fn the_policy_names_the_objects_of_the_pods(helm: &Helm) {
    let names = |scenario: &str| {
        let rendered = helm.render(scenario);
        let validations = &rendered.one("ValidatingAdmissionPolicy")["spec"]["validations"];
        let expression = validations[0]["expression"]
            .as_str()
            .expect("an expression");
        let (_, names) = expression.split_once("request.name in ").expect("names");
        let names: Vec<String> = serde_json::from_str(names.trim_end_matches(')')).expect("a list");
        names
    };
    assert_eq!(names("default"), ["rollout-guard", "rollout-guard-tls"]);
    assert_eq!(names("everything"), ["the-guard", "the-guard-tls"]);
    assert_eq!(names("cert-manager"), ["rollout-guard"], "the Lease alone");
}

pub fn the_policy_is_rendered_where_it_is_served(helm: &Helm) {
    let rendered = |more: &[&str]| {
        let rendered = helm.render_with("default", more);
        let kinds = [
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ];
        kinds.map(|kind| rendered.all(kind).len())
    };
    assert_eq!(rendered(&[]), [1, 1], "without a cluster");
    assert_eq!(
        rendered(&["--set", "admissionPolicy.enabled=false"]),
        [0, 0]
    );
    let cluster = ["--api-versions", "v1/Pod"];
    assert_eq!(
        rendered(&cluster),
        [0, 0],
        "a cluster that does not serve it"
    );
    let kind = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy";
    assert_eq!(
        rendered(&[&cluster[..], &["--api-versions", kind]].concat()),
        [1, 1]
    );
}

pub fn critical_pods_have_a_quota(helm: &Helm) {
    let rendered = helm.render("default");
    assert_eq!(
        rendered.pod()["spec"]["priorityClassName"],
        "system-cluster-critical"
    );
    let quota = &rendered.one("ResourceQuota")["spec"];
    assert_eq!(
        quota["scopeSelector"]["matchExpressions"],
        in_class("system-cluster-critical")
    );
    let quota = &helm.render("everything").one("ResourceQuota")["spec"].clone();
    assert_eq!(quota["hard"], json!({"pods": "7"}));
    assert_eq!(
        quota["scopeSelector"]["matchExpressions"],
        in_class("system-node-critical")
    );
    for without in [
        ["--set", "priorityClassName="],
        ["--set", "priorityClassName=mine"],
        ["--set", "criticalPodsQuota.enabled=false"],
        // Where it would limit the pods of others.
        ["--namespace", "kube-system"],
    ] {
        let rendered = helm.render_with("default", &without);
        assert!(rendered.all("ResourceQuota").is_empty(), "{without:?}");
    }
    let none = helm.render_with("default", &["--set", "priorityClassName="]);
    assert!(none.pod()["spec"]["priorityClassName"].is_null());
}

fn in_class(class: &str) -> Value {
    json!([{"scopeName": "PriorityClass", "operator": "In", "values": [class]}])
}

pub fn metrics_are_closed_until_a_scraper_is_named(helm: &Helm) {
    let ports = |rendered: &Rendered| -> Vec<Value> {
        let ingress = list(&rendered.one("NetworkPolicy")["spec"]["ingress"]).iter();
        ingress
            .map(|rule| rule["ports"][0]["port"].clone())
            .collect()
    };
    assert_eq!(ports(&helm.render("default")), ["webhook"]);
    let everything = helm.render("everything");
    assert_eq!(ports(&everything), ["webhook", "admin"]);
    let scraper = &everything.one("NetworkPolicy")["spec"]["ingress"][1]["from"];
    let monitoring = json!({"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}});
    assert_eq!(scraper, &json!([{"namespaceSelector": monitoring}]));
    let hint = "Prometheus cannot read the metrics yet";
    assert!(!helm.notes("everything").contains(hint));
    assert!(
        !helm.notes("default").contains(hint),
        "nobody asked for metrics"
    );
    assert!(
        helm.notes_with("default", &["--set", "serviceMonitor.enabled=true"])
            .contains(hint)
    );
}

pub fn callers_can_be_held_to_a_certificate(helm: &Helm) {
    let tls = |rendered: &Rendered| -> Vec<String> {
        let arguments = rendered.arguments().into_iter();
        let tls = arguments.filter(|word| {
            ["--tls-min-version", "--client-ca", "--client-cn"]
                .iter()
                .any(|flag| word.starts_with(flag))
        });
        tls.map(str::to_owned).collect()
    };
    assert!(tls(&helm.render("default")).is_empty());
    let everything = helm.render("everything");
    assert_eq!(
        tls(&everything),
        [
            "--tls-min-version=1.3",
            "--client-ca=/etc/rollout-guard/client-ca.crt",
            "--client-cn=kube-apiserver-webhooks",
        ]
    );
    let ca = everything.files()["client-ca.crt"].as_str().expect("a CA");
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----\n"), "{ca}");
    let mounts = list(&everything.container()["volumeMounts"]);
    assert_eq!(mounts[0]["mountPath"], "/etc/rollout-guard");
    let said = helm.render_error("default", &["--set", "tls.clientNames={a}"]);
    assert!(said.contains("set the CA in PEM"), "{said}");
}

pub fn memory_is_bounded(helm: &Helm) {
    let rendered = helm.render("default");
    let resources = &rendered.container()["resources"];
    assert_eq!(
        resources["limits"],
        json!({"memory": "768Mi"}),
        "no limit of CPU"
    );
}
