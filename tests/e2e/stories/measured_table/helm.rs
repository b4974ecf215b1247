//! The rows about Helm: a chart's application is upgraded while its canary is at 5 %.

use crate::bed::Bed;
use crate::command::Run;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(helm_4_upgrades_during_a_canary),
    shared!(helm_3_upgrades_during_a_canary),
    shared!(helm_prints_why_an_upgrade_is_denied),
];

/// Without a guard the upgrade conflicts, and with force it wipes the weights. With one there is no conflict, because the
/// controller gives up the fields that Helm applies, and the values are kept, with force and without.
fn helm_4_upgrades_during_a_canary(bed: &Bed) {
    let world = World::new(bed, "table-helm4");
    let chart = world.folder(CHART);
    helm_canary(&world, "helm", &chart);
    let hashes = world.hashes("destrule-app07");
    let upgrade = |flags: &str| {
        helm(
            &world,
            "helm",
            &chart,
            &format!("upgrade {V2} --set timeout=7s {flags}"),
        )
    };
    for force in ["", "--force-conflicts"] {
        upgrade(force).ok();
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
        assert_eq!(world.hashes("destrule-app07"), hashes);
        assert_eq!(timeout(&world), "7s");
    }
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);

    let control = World::without_guard(bed, "table-helm4-control");
    let chart = control.folder(CHART);
    helm_canary(&control, "helm", &chart);
    let upgrade = format!("upgrade {V2} --set timeout=7s");
    helm(&control, "helm", &chart, &upgrade)
        .fails()
        .says("conflict with \"rollouts-controller\"")
        .says(".spec.http");
    let recording = control.record(&["VirtualService"]);
    helm(
        &control,
        "helm",
        &chart,
        &format!("upgrade {V2} --set timeout=7s --force-conflicts"),
    )
    .ok();
    let stored = recording.stop(bed);
    let weights = crate::world::weights(&stored["VirtualService"][0], "primary");
    assert_eq!(weights[0].1, 0, "{weights:?}");
}

/// A three-way merge ignores owners, so there is no conflict.
fn helm_3_upgrades_during_a_canary(bed: &Bed) {
    let world = World::new(bed, "table-helm3");
    let chart = world.folder(CHART);
    helm_canary(&world, "helm3", &chart);
    let hashes = world.hashes("destrule-app07");
    helm(
        &world,
        "helm3",
        &chart,
        &format!("upgrade {V2} --set timeout=7s"),
    )
    .ok();
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
    assert_eq!(world.hashes("destrule-app07"), hashes);
    assert_eq!(timeout(&world), "7s");
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
}

/// Helm prints the message of the denial, with every finding and its help.
fn helm_prints_why_an_upgrade_is_denied(bed: &Bed) {
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("table-{tool}-denied"));
        let chart = world.folder(CHART);
        helm_canary(&world, tool, &chart);
        chart.edit(
            "templates/virtual-service.yaml",
            "name: primary",
            "name: main",
        );
        let flags = if tool == "helm" {
            "--force-conflicts"
        } else {
            ""
        };
        helm(&world, tool, &chart, &format!("upgrade {V2} {flags}"))
            .fails()
            .says("Error: UPGRADE FAILED: ")
            .says(&DENIAL.replace("NAMESPACE", &world.namespace));
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
    }
}

fn helm_canary(world: &World, tool: &str, chart: &Folder) {
    helm(world, tool, chart, "install").ok();
    world.until_phase("app07", "Healthy");
    // The controller owns the weights from now on, with the file's values.
    helm(
        world,
        tool,
        chart,
        &format!(
            "upgrade {V2} {}",
            if tool == "helm" {
                "--force-conflicts"
            } else {
                ""
            }
        ),
    )
    .ok();
    world.until_first_step(&SUBSET_LEVEL);
}

fn helm(world: &World, tool: &str, chart: &Folder, words: &str) -> Run {
    let run = if tool == "helm" {
        world.helm(words)
    } else {
        world.helm3(words)
    };
    run.arg("app07").arg(chart.path(""))
}

fn timeout(world: &World) -> String {
    let timeout = &world.read("VirtualService", "virtservice-app07")["spec"]["http"][0]["timeout"];
    timeout.as_str().unwrap_or_default().to_owned()
}

const CHART: &str = "tests/e2e/manifests/app-chart";
const V2: &str = "--set image=registry.example/app:v2";
const DENIAL: &str = "denied the request: rollout-guard denies this UPDATE of VirtualService NAMESPACE/virtservice-app07:
- spec.http: Rollout NAMESPACE/app07 lists route `primary` in `spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]`, \
which VirtualService NAMESPACE/virtservice-app07 does not have [rollout-guard RG202 route-not-found]
  help: its http routes: `main`; to rename a route, add the new one behind the old, move the Rollout's reference, then drop the old one; \
if Rollout NAMESPACE/app07 stops using it, release that first
in an incident: set the annotation `rollout-guard.io/allow: RG202` on the object in the same write, and remove it afterwards";
