//! The Deployment and the objects around it.

use std::collections::BTreeSet;

use clap::Parser;
use rollout_guard::serve::Options;
use serde_json::{Value, json};

use super::helm::{Helm, scenarios};
use super::rendered::{is_hook, list, selects};

/// The arguments, parsed as the binary parses them.
#[derive(Parser)]
struct Serve {
    #[command(flatten)]
    options: Options,
}

pub fn arguments_are_those_of_the_binary(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let arguments = rendered.arguments();
        assert_eq!(arguments[0], "serve");
        let options = Serve::try_parse_from(arguments)
            .unwrap_or_else(|error| panic!("{scenario}: {error}"))
            .options;
        let grace = rendered.pod()["spec"]["terminationGracePeriodSeconds"].as_u64();
        assert!(
            grace.expect("seconds") >= options.drain.as_secs() + 15,
            "{scenario}"
        );
        let (ports, container) = (list(&rendered.container()["ports"]), rendered.container());
        for (name, address) in [("webhook", &options.listen), ("admin", &options.admin)] {
            let port = ports
                .iter()
                .find(|port| port["name"] == name)
                .expect("a port");
            assert!(
                address.ends_with(&format!(":{}", port["containerPort"])),
                "{scenario}: {address}"
            );
        }
        for probe in ["livenessProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["port"], "admin");
        }
        let env = list(&container["env"]);
        for (name, field) in [
            ("POD_NAMESPACE", "metadata.namespace"),
            ("POD_NAME", "metadata.name"),
        ] {
            let found = env
                .iter()
                .find(|entry| entry["name"] == name)
                .expect("a variable");
            assert_eq!(found["valueFrom"]["fieldRef"]["fieldPath"], field);
        }
    }
}

pub fn pods_have_no_privileges_on_their_node(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let self_test = rendered.all("Pod").into_iter().map(|pod| &pod["spec"]);
        for pod in self_test.chain([&rendered.pod()["spec"]]) {
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true);
            assert_eq!(security["runAsUser"], 65532);
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
            let security = &pod["containers"][0]["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true);
            assert_eq!(security["allowPrivilegeEscalation"], false);
            assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
        }
    }
}

pub fn selectors_match_their_pods(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let labels = &rendered.pod()["metadata"]["labels"];
        for (kind, selector) in [
            ("Deployment", "/spec/selector/matchLabels"),
            ("Service", "/spec/selector"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ] {
            for object in rendered.all(kind) {
                let selector = object.pointer(selector).expect("a selector");
                assert!(selects(selector, labels), "{scenario}: {kind}");
                // The self-test's pod answers nothing.
                let pods = rendered.all("Pod").into_iter();
                let mut others = pods.map(|pod| &pod["metadata"]["labels"]);
                assert!(!others.any(|labels| selects(selector, labels)), "{kind}");
            }
        }
        for constraint in list(&rendered.pod()["spec"]["topologySpreadConstraints"]) {
            let selector = &constraint["labelSelector"]["matchLabels"];
            assert!(selects(selector, labels), "{scenario}");
        }
    }
}

pub fn the_webhook_is_where_the_configurations_say(helm: &Helm) {
    for scenario in scenarios() {
        let rendered = helm.render(&scenario);
        let ports = list(&rendered.container()["ports"]);
        for service in rendered.all("Service") {
            let target = &service["spec"]["ports"][0]["targetPort"];
            let found = ports.iter().any(|port| &port["name"] == target);
            assert!(found, "{scenario}: {target}");
        }
        let webhook = rendered.webhooks("ValidatingWebhookConfiguration")[0];
        let name = &webhook["clientConfig"]["service"]["name"];
        let service = rendered.named("Service", name.as_str().expect("a name"));
        assert_eq!(service["spec"]["ports"][0]["port"], 443);
        for object in rendered.objects.iter().filter(|object| !is_hook(object)) {
            let namespace = &object["metadata"]["namespace"];
            assert!(namespace.is_null() || namespace == "guard", "{object}");
        }
    }
}

pub fn updates_leave_no_call_without_an_answer(helm: &Helm) {
    let deployment = helm.render("default").one("Deployment").clone();
    assert_eq!(deployment["spec"]["replicas"], 3);
    let update = &deployment["spec"]["strategy"]["rollingUpdate"];
    assert_eq!(update, &json!({"maxSurge": 1, "maxUnavailable": 0}));
    let checksum = |more: &[&str]| {
        let pod = helm.render_with("default", more).pod().clone();
        pod["metadata"]["annotations"]["checksum/config"].to_string()
    };
    assert_ne!(
        checksum(&[]),
        checksum(&["--set", "profile=guard"]),
        "new settings need new pods"
    );
    assert_eq!(checksum(&[]), checksum(&["--set", "replicas=4"]));
}

pub fn host_network_keeps_its_dns(helm: &Helm) {
    let rendered = helm.render("host-network");
    let pod = &rendered.pod()["spec"];
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod["dnsPolicy"], "ClusterFirstWithHostNet");
    let update = &rendered.one("Deployment")["spec"]["strategy"]["rollingUpdate"];
    assert_eq!(
        update,
        &json!({"maxSurge": 0, "maxUnavailable": 1}),
        "two do not fit on one node"
    );
    assert!(rendered.arguments().contains(&"--listen=[::]:10443"));
    assert!(rendered.all("NetworkPolicy").is_empty());
}

pub fn one_replica_blocks_no_drain(helm: &Helm) {
    let rendered = helm.render("one-replica");
    assert!(rendered.all("PodDisruptionBudget").is_empty());
    assert!(rendered.pod()["spec"]["topologySpreadConstraints"].is_null());
    let rendered = helm.render_with("default", &["--set", "replicas=1"]);
    let budget = &rendered.one("PodDisruptionBudget")["spec"];
    assert_eq!(budget["maxUnavailable"], 1);
    assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow");
}

pub fn all_values_are_used(helm: &Helm) {
    let rendered = helm.render("everything");
    let (pod, container) = (&rendered.pod()["spec"], rendered.container());
    let digest =
        "rollout-guard@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_eq!(container["image"], digest);
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(pod["priorityClassName"], "system-node-critical");
    assert_eq!(pod["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    assert!(pod["affinity"]["nodeAffinity"].is_object());
    assert_eq!(pod["tolerations"][0]["effect"], "NoSchedule");
    assert_eq!(pod["topologySpreadConstraints"][0]["topologyKey"], "rack");
    assert_eq!(container["resources"]["limits"]["memory"], "2Gi");
    assert_eq!(
        rendered.pod()["metadata"]["labels"]["note.example.com/pod"],
        "3"
    );
    assert_eq!(
        rendered.pod()["metadata"]["labels"]["sidecar.istio.io/inject"],
        "false"
    );
    assert_eq!(
        rendered.pod()["metadata"]["annotations"]["note.example.com/pod"],
        "4"
    );
    assert_eq!(
        rendered.one("ServiceAccount")["metadata"]["annotations"]["note.example.com/account"],
        "5"
    );
    assert!(
        list(&container["volumeMounts"])
            .iter()
            .any(|mount| mount["mountPath"] == "/records")
    );
    let policy = &rendered.one("NetworkPolicy")["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(
        policy["egress"][1]["to"],
        json!([{"ipBlock": {"cidr": "10.0.0.1/32"}}])
    );
    assert_eq!(
        policy["egress"][1]["ports"],
        json!([{"port": 8443, "protocol": "TCP"}])
    );
    assert_eq!(
        policy["ingress"][0]["from"],
        json!([{"ipBlock": {"cidr": "10.0.0.0/8"}}])
    );
}

pub fn prometheus_finds_the_metrics(helm: &Helm) {
    let rendered = helm.render("everything");
    let monitor = &rendered.one("ServiceMonitor");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["endpoints"][0]["interval"], "30s");
    let selector = &monitor["spec"]["selector"]["matchLabels"];
    let services = rendered.all("Service").into_iter();
    let found: Vec<_> = services
        .filter(|service| selects(selector, &service["metadata"]["labels"]))
        .collect();
    assert_eq!(found.len(), 1, "the webhook's own Service has no metrics");
    assert_eq!(
        found[0]["spec"]["ports"][0]["name"],
        monitor["spec"]["endpoints"][0]["port"]
    );
    let alerts = list(&rendered.one("PrometheusRule")["spec"]["groups"][0]["rules"]);
    assert!(
        alerts
            .iter()
            .all(|alert| alert["annotations"]["summary"].is_string())
    );
    let job = format!(
        "job=\"{}\"",
        found[0]["metadata"]["name"].as_str().expect("a name")
    );
    assert!(
        alerts[0]["expr"]
            .as_str()
            .expect("an expression")
            .contains(&job)
    );
}

pub fn the_dashboard_asks_only_for_what_the_guard_and_the_api_server_have(helm: &Helm) {
    assert_eq!(
        helm.render("default").all("ConfigMap").len(),
        1,
        "off by default"
    );
    let rendered = helm.render("everything");
    let map = rendered.named("ConfigMap", "the-guard-dashboard");
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "yes");
    assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "Argo");
    let text = map["data"]["rollout-guard.json"]
        .as_str()
        .expect("a dashboard");
    let dashboard: Value = serde_json::from_str(text).expect("JSON");
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        assert!(ids.insert(panel["id"].as_u64()), "{}", panel["title"]);
        assert_eq!(list(&panel["targets"]).is_empty(), panel["type"] == "row");
        for target in list(&panel["targets"]) {
            let query = target["expr"].as_str().expect("a query");
            // The label of a target would be overridden by the namespace of a finding.
            assert!(!query.contains("{namespace="), "{query}");
            let of_guard = query.contains("rollout_guard_") || query.starts_with("sum(up{");
            assert_eq!(query.contains("$job"), of_guard, "{query}");
        }
    }
}
