//! Values: which ones are rejected and how, and where they are used.

use rollout_guard::settings::{self, Profile, RuleAction};

use super::helm::{CHART, Helm, scenarios, values};

pub fn every_scenario_is_linted_and_rendered(helm: &Helm) {
    for scenario in scenarios() {
        let (content, said) = helm.lint(&["-f", &values(&scenario)]);
        assert!(content, "{scenario}: {said}");
        for version in ["v1.30.0", "v1.34.5"] {
            let rendered = helm.render_with(&scenario, &["--kube-version", version]);
            assert!(rendered.objects.len() > 10, "{scenario}");
        }
    }
}

/// A default name would be a pod that never starts.
pub fn the_image_must_be_set(helm: &Helm) {
    let sentence =
        "image.repository is not set, and there is no public image: build one from the Dockerfile";
    let said = helm.render_error("default", &["--set", "image.repository="]);
    assert!(said.contains(sentence), "{said}");
    let (_, said) = helm.lint(&[]);
    assert!(said.contains(sentence), "{said}");
}

pub fn unknown_keys_are_rejected(helm: &Helm) {
    let wrong = [
        ("profil=guard", "profil"),
        ("image.name=guard", "name"),
        ("webhook.validating.failPolicy=Fail", "failPolicy"),
        ("webhook.mutating.timeoutSeconds=31", "timeoutSeconds"),
        ("certificates.mode=magic", "mode"),
        ("actions.RG999=off", "RG999"),
        ("actions.RG501=loud", "RG501"),
        ("networkPolicy.egress.enable=true", "enable"),
        ("profile=hard", "profile"),
        ("tls.minVersion=1.1", "minVersion"),
        ("tls.clientCA=x", "clientCA"),
        ("admissionPolicy.enable=true", "enable"),
        ("criticalPodsQuota.pods=0", "pods"),
    ];
    for (set, key) in wrong {
        let said = helm.render_error("default", &["--set", set]);
        assert!(
            said.contains("schema") && said.contains(key),
            "{set}: {said}"
        );
    }
    let said = helm.render_error("default", &["--set", "adminPort=8443"]);
    assert!(said.contains("port and adminPort are the same"), "{said}");
    // A chart that depends on this one passes these values.
    helm.render_with("default", &["--set", "global.a=b,enabled=true"]);
}

pub fn old_clusters_are_rejected(helm: &Helm) {
    let said = helm.render_error("default", &["--kube-version", "v1.29.9"]);
    assert!(said.contains(">=1.30.0-0"), "{said}");
    // Providers write their versions in this form.
    helm.render_with("default", &["--kube-version", "v1.30.2-gke.1587003"]);
}

pub fn settings_are_what_the_binary_reads(helm: &Helm) {
    let read = |scenario: &str, more: &[&str]| {
        let rendered = helm.render_with(scenario, more);
        let text = rendered.files()["config.yaml"].clone();
        settings::parse(text.as_str().expect("a file")).expect("settings")
    };
    let by_default = read("default", &[]);
    assert_eq!(by_default.profile, Profile::Observe);
    let expected = settings::Settings {
        profile: Profile::Observe,
        ..settings::Settings::default()
    };
    assert_eq!(
        by_default, expected,
        "the chart and the binary have the same defaults"
    );
    let enforced = read("enforce", &["--set", "actions.RG501=off"]);
    assert_eq!(enforced.profile, Profile::Guard);
    assert_eq!(enforced.actions["RG213"], RuleAction::Off);
    assert_eq!(enforced.actions["RG209"], RuleAction::Deny);
    assert_eq!(enforced.actions["RG501"], RuleAction::Off);
    let everything = read("everything", &[]);
    assert_eq!(everything.profile, Profile::Strict);
    assert_eq!(everything.controller_users.len(), 2);
    assert_eq!(everything.mesh.controller_manager, "my-controller");
    assert_eq!(everything.mesh.domain, "k8s.internal");
    assert_eq!(everything.mesh.root_namespace, "mesh-root");
    assert!(everything.mesh.remote_istio);
    assert!(everything.mesh.needs_consent);
    assert!(everything.allow_needs_right);
    let version = read("default", &["--set-string", "argoVersion=1.9"]);
    assert_eq!(version.mesh.argo_version, everything.mesh.argo_version);
}

pub fn the_notes_say_how_to_enforce(helm: &Helm) {
    let notes = helm.notes("default");
    let command = format!(
        "helm upgrade rollout-guard {CHART} --namespace guard --reuse-values --set profile=guard"
    );
    assert!(notes.contains(&command), "{notes}");
    assert!(notes.contains("It only warns"), "{notes}");
    assert!(
        notes.contains("helm test rollout-guard --namespace guard"),
        "{notes}"
    );
    let notes = helm.notes("fail-closed");
    assert!(!notes.contains("It only warns"), "{notes}");
    assert!(
        notes.contains("webhook.validating.failurePolicy: Fail"),
        "{notes}"
    );
}

pub fn names_follow_the_release(helm: &Helm) {
    let name = |release: &str, more: &[&str]| {
        let rendered = helm.render_as(release, "default", more);
        for object in &rendered.objects {
            let name = object["metadata"]["name"].as_str().expect("a name");
            assert!(name.len() <= 63, "{name}");
        }
        let name = &rendered.one("Deployment")["metadata"]["name"];
        name.as_str().expect("a name").to_owned()
    };
    assert_eq!(name("rollout-guard", &[]), "rollout-guard");
    assert_eq!(name("shop", &[]), "shop-rollout-guard");
    assert_eq!(name("shop", &["--set", "fullnameOverride=mine"]), "mine");
    assert_eq!(name("shop", &["--set", "nameOverride=guard"]), "shop-guard");
    let long = "a-release-name-that-is-as-long-as-helm-takes-them-53x";
    assert!(name(long, &[]).len() <= 52);
}

pub fn common_labels_and_annotations_are_everywhere(helm: &Helm) {
    for object in &helm.render("everything").objects {
        let (kind, meta) = (&object["kind"], &object["metadata"]);
        assert_eq!(meta["labels"]["team"], "platform", "{kind}");
        assert_eq!(meta["annotations"]["note.example.com/all"], "2", "{kind}");
    }
    for scenario in scenarios() {
        for object in &helm.render(&scenario).objects {
            let labels = &object["metadata"]["labels"];
            for (name, value) in [("instance", "rollout-guard"), ("managed-by", "Helm")] {
                assert_eq!(labels[format!("app.kubernetes.io/{name}")], value);
            }
            for name in ["name", "component", "version"] {
                assert!(labels[format!("app.kubernetes.io/{name}")].is_string());
            }
        }
    }
}
