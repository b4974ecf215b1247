//! `--dry-run=server` and `kubectl diff` show what a write would do, and store nothing.

use crate::bed::Bed;
use crate::release::{SUBSET_LEVEL, always_weighed};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(a_dry_run_gets_the_same_answer_and_stores_nothing),
    shared!(a_diff_during_a_canary_shows_only_the_users_change),
];

fn a_dry_run_gets_the_same_answer_and_stores_nothing(bed: &Bed) {
    let world = World::new(bed, "dry-run");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let recording = world.record(&["VirtualService", "DestinationRule"]);
    let before = events(&world);

    let dry = folder
        .kubectl("apply --dry-run=server -o yaml", "virtual-service.yaml")
        .ok();
    let dry = dry.says("kept weights 5/95").says("weight: 95");
    let wet = folder.kubectl("apply -o yaml", "virtual-service.yaml").ok();
    assert_eq!(dry.stderr, wet.stderr);

    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    let dry = folder
        .kubectl("apply --dry-run=server", "virtual-service.yaml")
        .fails();
    let wet = folder.apply_file("virtual-service.yaml").fails();
    assert_eq!(dry.stderr, wet.stderr);
    world
        .kubectl("delete --dry-run=server virtualservice virtservice-app07")
        .fails()
        .says("[rollout-guard RG701]");

    let stored = recording.stop(bed);
    always_weighed(&stored, &[5, 95]);
    assert!(stored["DestinationRule"].is_empty());
    assert_eq!(events(&world), before);
}

/// The Events that rollout-guard created in this namespace.
fn events(world: &World) -> String {
    let by = "--field-selector=reportingComponent=rollout-guard";
    world
        .kubectl(&format!("get events {by} -o name"))
        .ok()
        .stdout
}

fn a_diff_during_a_canary_shows_only_the_users_change(bed: &Bed) {
    let world = World::new(bed, "diff");
    let folder = world.start_canary(&SUBSET_LEVEL);
    for file in ["virtual-service.yaml", "destination-rule.yaml"] {
        let same = folder.kubectl("diff", file).ok();
        assert_eq!(same.stdout, "", "{same}");
    }
    folder.edit(
        "virtual-service.yaml",
        "  - name: primary\n",
        "  - name: primary\n    timeout: 7s\n",
    );
    let diff = folder.kubectl("diff", "virtual-service.yaml").fails();
    let changed: Vec<&str> = diff.stdout.lines().filter(|line| is_change(line)).collect();
    assert!(changed.contains(&"+    timeout: 7s"), "{diff}");
    assert!(
        !changed.iter().any(|line| line.contains("weight")),
        "{diff}"
    );
}

fn is_change(line: &str) -> bool {
    let header = line.starts_with("+++") || line.starts_with("---");
    !header && (line.starts_with('+') || line.starts_with('-'))
}
