//! The three certificate modes.

use serde_json::json;

use super::helm::Helm;

pub fn the_pods_manage_their_own_certificates(helm: &Helm) {
    let rendered = helm.render("default");
    let arguments = rendered.arguments();
    for expected in [
        "--tls-secret=rollout-guard-tls",
        "--webhook-configuration=rollout-guard",
        "--dns=rollout-guard.guard.svc,rollout-guard.guard.svc.cluster.local",
    ] {
        assert!(arguments.contains(&expected), "{arguments:?}");
    }
    for kind in CONFIGURATIONS {
        assert_eq!(rendered.one(kind)["metadata"]["name"], "rollout-guard");
        for webhook in rendered.webhooks(kind) {
            assert!(
                webhook["clientConfig"]["caBundle"].is_null(),
                "an upgrade would remove it"
            );
        }
    }
}

pub fn cert_manager_issues_the_certificate(helm: &Helm) {
    let rendered = helm.render("cert-manager");
    assert!(rendered.all("Secret").is_empty());
    assert_eq!(rendered.all("Issuer").len(), 2);
    let serving = rendered.named("Certificate", "rollout-guard-serving");
    assert_eq!(serving["spec"]["issuerRef"]["name"], "rollout-guard-ca");
    let names = json!([
        "rollout-guard.guard.svc",
        "rollout-guard.guard.svc.cluster.local"
    ]);
    assert_eq!(serving["spec"]["dnsNames"], names);
    let ca = rendered.named("Certificate", "rollout-guard-ca");
    let issuer = rendered.named("Issuer", "rollout-guard-ca");
    assert_eq!(ca["spec"]["secretName"], issuer["spec"]["ca"]["secretName"]);
    rendered.named(
        "Issuer",
        ca["spec"]["issuerRef"]["name"].as_str().expect("a name"),
    );
    for kind in CONFIGURATIONS {
        let annotations = &rendered.one(kind)["metadata"]["annotations"];
        assert_eq!(
            annotations["cert-manager.io/inject-ca-from"],
            "guard/rollout-guard-serving"
        );
    }
    mounts(&rendered, "rollout-guard-serving");

    let rendered = helm.render("cert-manager-issuer");
    assert!(rendered.all("Issuer").is_empty());
    let issuer = &rendered.one("Certificate")["spec"]["issuerRef"];
    assert_eq!(
        issuer,
        &json!({"name": "cluster-ca", "kind": "ClusterIssuer", "group": "cert-manager.io"})
    );
}

pub fn a_secret_is_mounted(helm: &Helm) {
    let rendered = helm.render("own-secret");
    assert!(rendered.all("Secret").is_empty());
    mounts(&rendered, "webhook-certificate");
    for webhook in CONFIGURATIONS.map(|kind| rendered.webhooks(kind)).concat() {
        let bundle = webhook["clientConfig"]["caBundle"]
            .as_str()
            .expect("a bundle");
        assert!(
            bundle.starts_with("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"),
            "{bundle}"
        );
    }
    let said = helm.render_error("own-secret", &["--set", "certificates.secret.name="]);
    assert!(said.contains("set certificates.secret.name"), "{said}");
    let said = helm.render_error("own-secret", &["--set", "certificates.secret.caBundle="]);
    assert!(said.contains("set certificates.secret.caBundle"), "{said}");
    let said = helm.render_error("own-secret", &["--set", "certificates.secret.caBundle=x"]);
    assert!(said.contains("caBundle"), "{said}");
    let injected = "certificates.secret.caBundle=,webhook.annotations.a=b";
    helm.render_with("own-secret", &["--set", injected]);
}

fn mounts(rendered: &super::rendered::Rendered, secret: &str) {
    let arguments = rendered.arguments();
    assert!(
        arguments.contains(&"--tls-cert=/etc/rollout-guard/tls/tls.crt"),
        "{arguments:?}"
    );
    assert!(
        arguments.contains(&"--tls-key=/etc/rollout-guard/tls/tls.key"),
        "{arguments:?}"
    );
    assert!(
        !arguments
            .iter()
            .any(|word| word.starts_with("--tls-secret")),
        "{arguments:?}"
    );
    assert_eq!(
        rendered.pod()["spec"]["volumes"][1]["secret"]["secretName"],
        secret
    );
    assert_eq!(
        rendered.container()["volumeMounts"][1]["mountPath"],
        "/etc/rollout-guard/tls"
    );
}

const CONFIGURATIONS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
