//! How the API server handles the chart: it accepts the manifests of each scenario, and its conditions decide which
//! writes reach the webhook.

use serde_json::json;

use crate::alone;
use crate::bed::{Bed, poll};
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[
    alone!(each_scenario_is_accepted),
    alone!(each_condition_for_each_operation),
];

/// Under another name than the installed release. Without the scenarios whose kinds need the CRDs of cert-manager or
/// the Prometheus operator.
fn each_scenario_is_accepted(bed: &Bed) {
    let guard = bed.guard();
    guard.ensure();
    for scenario in SCENARIOS {
        let values = format!("charts/rollout-guard/ci/{scenario}-values.yaml");
        let rendered = guard
            .helm("template tried charts/rollout-guard --no-hooks --values")
            .arg(values)
            .ok();
        guard
            .kubectl("create --dry-run=server -f -")
            .input(rendered.stdout)
            .ok()
            .says("validatingwebhookconfiguration");
    }
}

fn each_condition_for_each_operation(bed: &Bed) {
    bed.guard().ensure();
    until_no_namespace_goes(bed);
    let world = World::new(bed, "conditions");
    services(&world);
    let name = json!({"name": "shop"});
    let route = json!({"destination": {"host": "shop.example.org"}});
    let virtual_service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": name, "spec": {"hosts": ["shop.example.org"], "http": [{"route": [route]}]}});
    for (user, asked) in [(crate::bed::ADMIN, 1), (CONTROLLER, 0)] {
        let kubectl = |words: &str| world.as_user(user, "kubectl", words);
        let ask = |operation, words: &str| {
            let run = || kubectl(words).input(&virtual_service).ok();
            counts(bed, operation, "VirtualService", asked, run);
        };
        ask("CREATE", "create -f -");
        ask("UPDATE", "label virtualservice shop tier=web");
        ask("DELETE", "delete virtualservice shop");
    }
}

/// There are many Services, and only few belong to a rollout. Only their updates are reviewed.
fn services(world: &World) {
    let ask = |operation, asked, words: &str, patch: &str| {
        let command = world.kubectl(words);
        let command = if patch.is_empty() {
            command
        } else {
            command.arg(patch)
        };
        counts(world.bed, operation, "Service", asked, || command.ok());
    };
    let plain = |asked, patch| {
        ask(
            "UPDATE",
            asked,
            "patch service plain --type=merge -p",
            patch,
        );
    };
    ask("CREATE", 1, "create service clusterip plain --tcp=80", "");
    plain(0, r#"{"metadata": {"labels": {"tier": "web"}}}"#);
    plain(
        1,
        r#"{"spec": {"selector": {"rollouts-pod-template-hash": "x"}}}"#,
    );
    plain(
        1,
        r#"{"spec": {"selector": {"rollouts-pod-template-hash": null}}}"#,
    );
    plain(
        1,
        r#"{"metadata": {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "x"}}}"#,
    );
    plain(
        1,
        r#"{"metadata": {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": null}}}"#,
    );
    ask("DELETE", 1, "delete service plain", "");
    // Without a selector.
    let outside = "create service externalname outside --external-name=example.org";
    ask("CREATE", 1, outside, "");
    ask("UPDATE", 0, "label service outside tier=web", "");
    ask("DELETE", 1, "delete service outside", "");
    // In a namespace that the chart excludes.
    let system = "create service clusterip conditions --tcp=80 -n kube-system";
    ask("CREATE", 0, system, "");
    ask("DELETE", 0, "delete service conditions -n kube-system", "");
}

/// Requires that a write causes this many reviews of its operation and kind.
fn counts<T>(bed: &Bed, operation: &str, kind: &str, asked: u64, write: impl FnOnce() -> T) {
    let before = reviews(bed, operation, kind);
    write();
    let more = reviews(bed, operation, kind) - before;
    assert_eq!(more, asked, "{operation} of a {kind}");
}

/// The number of /validate reviews that all Pods have answered.
fn reviews(bed: &Bed, operation: &str, kind: &str) -> u64 {
    let of = format!("endpoint=\"validate\",operation=\"{operation}\",kind=\"{kind}\"");
    let metrics = bed.guard().metrics();
    let lines = metrics.iter().flat_map(|(_, text)| text.lines());
    let counted = lines.filter(|line| line.starts_with(REQUESTS) && line.contains(&of));
    let count = |line: &str| line.rsplit_once(' ')?.1.parse::<u64>().ok();
    counted.filter_map(count).sum()
}

/// Otherwise objects that are deleted with a namespace of an earlier story would be counted too.
fn until_no_namespace_goes(bed: &Bed) {
    poll("namespaces to be gone", DEADLINE, &mut || {
        let all = bed.guard().kubectl("get namespaces").ok().stdout;
        match all.lines().find(|line| line.contains("Terminating")) {
            None => Ok(()),
            Some(line) => Err(line.to_owned()),
        }
    });
}

const SCENARIOS: [&str; 6] = [
    "default",
    "enforce",
    "fail-closed",
    "host-network",
    "one-replica",
    "own-secret",
];
const CONTROLLER: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";
const REQUESTS: &str = "rollout_guard_requests_total{";
