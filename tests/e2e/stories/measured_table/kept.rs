//! The rows that wipe values: the write is stored with the controller's values in it.

use std::time::Duration;

use crate::api::{list, text};
use crate::bed::Bed;
use crate::nodes::Pods;
use crate::release::{HOST_LEVEL, SUBSET_LEVEL, always_hashed, always_weighed, first, selected};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_unchanged_files_are_applied_twenty_times),
    shared!(the_unchanged_files_are_applied_in_an_incident),
    shared!(both_services_are_forced_and_replaced),
    shared!(the_testers_route_survives_an_apply),
];

fn the_unchanged_files_are_applied_twenty_times(bed: &Bed) {
    let world = World::new(bed, "table-apply");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    let recording = world.record(&["VirtualService", "DestinationRule"]);
    for _ in 0..20 {
        folder.apply_file("virtual-service.yaml").ok();
        folder.apply_file("destination-rule.yaml").ok();
    }
    world.reconcile("app07");
    let stored = recording.stop(bed);
    always_weighed(&stored, &[5, 95]);
    always_hashed(&stored, &hashes);

    let control = World::without_guard(bed, "table-apply-control");
    let folder = control.start_canary(&SUBSET_LEVEL);
    for _ in 0..3 {
        let recording = control.record(&["VirtualService"]);
        folder.apply_file("virtual-service.yaml").ok();
        always_weighed(&first(recording.stop(bed)), &[0, 100]);
        control.until_first_step(&SUBSET_LEVEL);
    }
}

/// While no pod is ready the controller repairs nothing.
fn the_unchanged_files_are_applied_in_an_incident(bed: &Bed) {
    let world = World::new(bed, "table-incident");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    world.set_pods(Pods::Unready);
    world.until_unavailable("app07");
    folder.apply_file("virtual-service.yaml").ok();
    folder.apply_file("destination-rule.yaml").ok();
    world.reconcile("app07");
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
    assert_eq!(world.hashes("destrule-app07"), hashes);

    let control = World::without_guard(bed, "table-incident-control");
    let folder = control.start_canary(&SUBSET_LEVEL);
    control.set_pods(Pods::Unready);
    control.until_unavailable("app07");
    folder.apply_file("virtual-service.yaml").ok();
    folder.apply_file("destination-rule.yaml").ok();
    control.reconcile("app07");
    control.until_weights("virtservice-app07", "primary", &[0, 100]);
    let hashes = control.hashes("destrule-app07");
    assert!(hashes.values().all(String::is_empty), "{hashes:?}");
}

/// The controller does not notice a Service that has lost its hash.
fn both_services_are_forced_and_replaced(bed: &Bed) {
    let world = World::new(bed, "table-services");
    let folder = world.start_canary(&HOST_LEVEL);
    let recording = world.record(&["Service"]);
    folder
        .kubectl("apply --server-side --force-conflicts", "services.yaml")
        .ok();
    folder.kubectl("replace", "services.yaml").ok();
    world.reconcile("shop");
    for service in &recording.stop(bed)["Service"] {
        assert!(!selected(service).is_empty(), "{service:#}");
    }
    assert_ne!(world.selected("shop-stable"), world.selected("shop-canary"));

    let control = World::without_guard(bed, "table-services-control");
    let folder = control.start_canary(&HOST_LEVEL);
    folder.kubectl("replace", "services.yaml").ok();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(control.selected("shop-stable"), "");
    assert_eq!(control.selected("shop-canary"), "");
    assert_eq!(
        text(&control.read("Rollout", "shop"), "/status/phase"),
        "Paused"
    );
}

/// The route that the controller inserted for testers comes before the user's routes.
fn the_testers_route_survives_an_apply(bed: &Bed) {
    let world = World::new(bed, "table-testers");
    in_testers_canary(&world);
    let recording = world.record(&["VirtualService"]);
    for verb in ["apply", "replace", "apply --server-side --force-conflicts"] {
        let folder = world.folder("tests/e2e/manifests/header-route");
        folder.kubectl(verb, "virtual-service.yaml").ok();
    }
    world.reconcile("web");
    for revision in &recording.stop(bed)["VirtualService"] {
        assert_eq!(routes(revision), ["testers", "primary"], "{revision:#}");
    }
    assert_eq!(
        routes(&world.read("VirtualService", "web")),
        ["testers", "primary"]
    );

    let control = World::without_guard(bed, "table-testers-control");
    in_testers_canary(&control);
    control.apply("tests/e2e/manifests/header-route/virtual-service.yaml");
    control.reconcile("web");
    assert_eq!(routes(&control.read("VirtualService", "web")), ["primary"]);
}

fn in_testers_canary(world: &World) {
    world.apply("tests/e2e/manifests/header-route");
    world.until_phase("web", "Healthy");
    world.argo("set image web web=registry.example/app:v2").ok();
    world.until_phase("web", "Paused");
    world.until("VirtualService", "web", "a testers' route", |object| {
        routes(object) == ["testers", "primary"]
    });
}

fn routes(virtual_service: &serde_json::Value) -> Vec<&str> {
    let routes = list(virtual_service, "/spec/http").iter();
    routes.map(|route| text(route, "/name")).collect()
}
