//! Stored findings are reported: by the audit in metrics and Events, and by `check --cluster`.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::bed::{ADMIN, Bed, poll};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(a_finding_is_reported_until_it_is_repaired),
    shared!(a_forgotten_annotation_is_reported),
    shared!(an_unlisted_controller_is_reported),
    shared!(a_namespace_that_is_off_is_not_reviewed),
];

/// A Rollout with a route that does not exist: allowed on CREATE, because the order of an apply must not matter.
fn a_finding_is_reported_until_it_is_repaired(bed: &Bed) {
    let world = World::new(bed, "audit-finding");
    world.apply("examples/subset-level");
    world.until_phase("app07", "Healthy");
    let rollout = world.copy_of("examples/subset-level").join("rollout.yaml");
    let good = std::fs::read_to_string(&rollout).expect("the Rollout");
    world.kubectl("delete rollout app07").ok();
    std::fs::write(&rollout, good.replace("- primary", "- primry")).expect("the copy");
    world.kubectl("apply -f").arg(&rollout).ok().says("RG202");

    let series =
        r#"rollout_guard_findings{rule="RG202",severity="error",namespace="audit-finding"}"#;
    until_counted(bed, series, &["1"]);
    let described = until_described(&world, "RG202 route-not-found (error): ");
    assert!(described.contains("RolloutGuardFinding"), "{described}");

    let checked = check(&world, &["--namespace", "audit-finding"]);
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(
        text.contains("error[RG202]") && text.contains("Rollout audit-finding/app07"),
        "{text}"
    );
    let checked = check(
        &world,
        &["--namespace", "audit-finding", "--output", "json"],
    );
    let report: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(report["findings"][0]["code"], "RG202", "{report:#}");
    assert_eq!(report["findings"][0].get("file"), None, "{report:#}");

    std::fs::write(&rollout, good).expect("the copy");
    world.kubectl("apply -f").arg(&rollout).ok();
    until_counted(bed, series, &[]);
    let checked = check(&world, &["--namespace", "audit-finding"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
}

fn a_forgotten_annotation_is_reported(bed: &Bed) {
    let world = World::new(bed, "audit-allow");
    world.apply("examples/subset-level");
    world
        .kubectl("annotate destinationrule destrule-app07 rollout-guard.io/allow=hash-selectors")
        .ok();
    let series =
        r#"rollout_guard_allow_annotations{kind="DestinationRule",namespace="audit-allow"}"#;
    until_counted(bed, series, &["1"]);
    let described = until_described(&world, "RolloutGuardAllow");
    assert!(
        described.contains("DestinationRule audit-allow/destrule-app07"),
        "{described}"
    );
    world
        .kubectl("annotate destinationrule destrule-app07 rollout-guard.io/allow-")
        .ok();
    until_counted(bed, series, &[]);
}

/// Writes with the controller's field manager by a person and by a service account that are not listed. A listed
/// controller writes here, so both are judged as any other write, and the Event never says to list the person. A dry run
/// creates no Event.
fn an_unlisted_controller_is_reported(bed: &Bed) {
    let world = World::new(bed, "audit-stranger");
    world.apply("examples/subset-level");
    world.until_phase("app07", "Healthy");
    world
        .argo("set image app07 app07=registry.example/app:v2")
        .ok();
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
    let patch = |user: &str, more: &str, patch: &str| {
        let words = format!(
            "patch virtualservice virtservice-app07 --type=json --field-manager=rollouts-controller {more} -p"
        );
        let command = match user {
            "" => world.kubectl(&words),
            user => world.as_user(user, "kubectl", &words),
        };
        command.arg(patch)
    };
    let weights = r#"[{"op":"replace","path":"/spec/http/0/route/0/weight","value":7},
                      {"op":"replace","path":"/spec/http/0/route/1/weight","value":93}]"#;
    let subset =
        r#"[{"op":"replace","path":"/spec/http/0/route/0/destination/subset","value":"v9"}]"#;
    patch(UNLISTED_USER, "--dry-run=server", weights).ok();
    std::thread::sleep(Duration::from_secs(2));
    let described = world.kubectl("describe rollout app07").ok().stdout;
    assert!(
        !described.contains("RolloutGuardUnlistedController"),
        "{described}"
    );
    patch(UNLISTED_USER, "", subset)
        .fails()
        .says("[rollout-guard RG204]");
    patch("", "", subset).fails().says("[rollout-guard RG204]");
    patch("", "", weights).ok().says("kept weights 5/95");
    let described = until_described(&world, "somebody uses the field manager");
    assert!(
        described.contains("user `system:serviceaccount:elsewhere:argo-rollouts`"),
        "{described}"
    );
    assert!(!described.contains("set `controllerUsers`"), "{described}");
}

fn a_namespace_that_is_off_is_not_reviewed(bed: &Bed) {
    let world = World::without_guard(bed, "audit-off");
    let folder = world.copy_of("examples/subset-level");
    let rollout = folder.join("rollout.yaml");
    let text = std::fs::read_to_string(&rollout).expect("the Rollout");
    std::fs::write(&rollout, text.replace("- primary", "- primry")).expect("the copy");
    world.kubectl("apply -f").arg(&folder).ok();
    let checked = check(&world, &["--namespace", "audit-off"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    world
        .kubectl("label namespace audit-off rollout-guard.io/enforce=observe --overwrite")
        .ok();
    let series = r#"rollout_guard_findings{rule="RG202",severity="error",namespace="audit-off"}"#;
    until_counted(bed, series, &["1"]);
    world
        .kubectl("label namespace audit-off rollout-guard.io/enforce=off --overwrite")
        .ok();
    until_counted(bed, series, &[]);
}

/// Waits until the Pods together show the series with these values. Only the leader has any.
pub fn until_counted(bed: &Bed, series: &str, values: &[&str]) {
    poll(series, AUDIT_TIMEOUT, &mut || {
        let pods = bed.guard().metrics();
        let lines = pods.iter().flat_map(|(_, text)| text.lines());
        let found: Vec<&str> = lines
            .filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
            .collect();
        (found == values)
            .then_some(())
            .ok_or_else(|| format!("{found:?}"))
    });
}

/// The output of `kubectl describe` for the Rollout once it contains this, with whitespace collapsed.
pub fn until_described(world: &World, text: &str) -> String {
    poll(text, AUDIT_TIMEOUT, &mut || {
        let described = world.kubectl("describe rollout app07").ok().stdout;
        let words: Vec<&str> = described.split_whitespace().collect();
        let described = words.join(" ");
        let shown = described.contains(text);
        shown.then(|| described.clone()).ok_or(described)
    })
}

fn check(world: &World, more: &[&str]) -> Output {
    let binary = std::env::var_os("ROLLOUT_GUARD_BIN");
    let binary = binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_rollout-guard").into());
    let kubeconfig = world.bed.layout.kubeconfig(ADMIN, &world.namespace);
    let mut command = Command::new(binary);
    command
        .args(["check", "--cluster", "--kubeconfig"])
        .arg(kubeconfig);
    command.args(more).output().expect("the command runs")
}

const UNLISTED_USER: &str = "system:serviceaccount:elsewhere:argo-rollouts";
const AUDIT_TIMEOUT: Duration = Duration::from_secs(90);
