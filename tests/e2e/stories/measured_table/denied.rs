//! The rows that break a rollout: the write is denied with exactly these messages, and the release continues.

use crate::api::{list, text};
use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_canary_subset_is_renamed),
    shared!(a_second_rollout_takes_the_same_destination_rule),
    shared!(the_managed_route_is_renamed),
    shared!(an_empty_tls_list_is_added),
    shared!(three_unnamed_routes_meet_managed_routes),
    shared!(an_additional_subset_is_put_into_the_managed_destination_rule),
];

fn the_canary_subset_is_renamed(bed: &Bed) {
    let world = World::new(bed, "table-subset");
    let folder = world.start_canary(&SUBSET_LEVEL);
    folder.edit("destination-rule.yaml", "name: version-v2", "name: v2");
    folder
        .apply_file("destination-rule.yaml")
        .fails()
        .prints(&[
"The DestinationRule \"destrule-app07\" is invalid: ",
"* spec.subsets: Not found: Rollout table-subset/app07 names subset `version-v2` in `spec.strategy.canary.trafficRouting.istio.destinationRule.canarySubsetName`, which DestinationRule table-subset/destrule-app07 does not have; did you mean `version-v1`? its subsets: `version-v1`, `v2`; to rename them, define the new ones in a second DestinationRule of the host, add a route to them behind the managed one, move the Rollout to both in one write, then drop the old route and rule; if Rollout table-subset/app07 stops using it, apply that first, or run the same apply again (in an incident: set the annotation `rollout-guard.io/allow: RG302` on the object in the same write, and remove it afterwards) [rollout-guard RG302]",
"* spec.subsets: Not found: VirtualService table-subset/virtservice-app07 sends to subset `version-v2` of `app07.table-subset.svc.cluster.local` in `spec.http[0].route[0].destination.subset`, which DestinationRule table-subset/destrule-app07 does not define (IST0101); did you mean `version-v1`? defined: `version-v1`, `v2`; to rename a subset, add the new one beside the old (in a second DestinationRule of the host if a Rollout names this one), move the routes, then drop the old one; if VirtualService table-subset/virtservice-app07 stops using it, apply that first, or run the same apply again (in an incident: set the annotation `rollout-guard.io/allow: RG501` on the object in the same write, and remove it afterwards) [rollout-guard RG501]"
]);
    canary_is_unchanged(&world);

    let control = World::without_guard(bed, "table-subset-control");
    let folder = control.start_canary(&SUBSET_LEVEL);
    folder.edit("destination-rule.yaml", "name: version-v2", "name: v2");
    folder.apply_file("destination-rule.yaml").ok();
    control.until("DestinationRule", "destrule-app07", "only v1", |rule| {
        subsets(rule) == ["version-v1"]
    });
}

fn a_second_rollout_takes_the_same_destination_rule(bed: &Bed) {
    let world = World::new(bed, "table-second");
    world.start_canary(&SUBSET_LEVEL);
    let second = second_app(&world);
    second.apply_file("virtual-service.yaml").ok();
    second.apply_file("rollout.yaml").fails().prints(&[
"The Rollout \"app08\" is invalid: ",
"* spec.strategy.canary.trafficRouting.istio.destinationRule.name: Invalid value: \"destrule-app07\": Rollout table-second/app08 manages DestinationRule table-second/destrule-app07 by `spec.strategy.canary.trafficRouting.istio.destinationRule.name`, and at every reconcile its controller deletes subset `version-v1`, to which VirtualService table-second/virtservice-app07 sends traffic in `spec.http[0].route[1].destination.subset`; define the subset in a second DestinationRule for the same host in the same namespace: Istio merges the two, and the controller touches only its own (in an incident: set the annotation `rollout-guard.io/allow: RG304` on the object in the same write, and remove it afterwards) [rollout-guard RG304]",
"* spec.strategy.canary.trafficRouting.istio.destinationRule.name: Invalid value: \"destrule-app07\": Rollout table-second/app08 manages DestinationRule table-second/destrule-app07 by `spec.strategy.canary.trafficRouting.istio.destinationRule.name`, and at every reconcile its controller deletes subset `version-v2`, to which VirtualService table-second/virtservice-app07 sends traffic in `spec.http[0].route[0].destination.subset`; define the subset in a second DestinationRule for the same host in the same namespace: Istio merges the two, and the controller touches only its own (in an incident: set the annotation `rollout-guard.io/allow: RG304` on the object in the same write, and remove it afterwards) [rollout-guard RG304]",
"* spec.strategy.canary.trafficRouting.istio.destinationRule.name: Duplicate value: \"destrule-app07\": Rollout table-second/app08 names DestinationRule table-second/destrule-app07 in `spec.strategy.canary.trafficRouting.istio.destinationRule.name`, and so does Rollout table-second/app07: each deletes the other's subsets; give each Rollout a DestinationRule of its own; to rename a Rollout, delete the old one first (in an incident: set the annotation `rollout-guard.io/allow: RG601` on the object in the same write, and remove it afterwards) [rollout-guard RG601]"
]);
    assert!(world.find("Rollout", "app08").is_none());
    canary_is_unchanged(&world);

    let control = World::without_guard(bed, "table-second-control");
    control.start_canary(&SUBSET_LEVEL);
    let second = second_app(&control);
    second.apply_file("virtual-service.yaml").ok();
    second.apply_file("rollout.yaml").ok();
    control.until("DestinationRule", "destrule-app07", "no subset", |rule| {
        subsets(rule).is_empty()
    });
}

/// Another application, copied from the first. Its author forgot to change one line: the name of the
/// DestinationRule.
fn second_app<'w>(world: &'w World<'w>) -> Folder<'w> {
    let folder = world.folder(SUBSET_LEVEL.folder);
    for (word, other) in [("app07", "app08"), ("version-v", "app08-v")] {
        folder.edit("rollout.yaml", word, other);
        folder.edit("virtual-service.yaml", word, other);
    }
    let public = format!("{}.bookinfo7.com", world.namespace);
    folder.edit("virtual-service.yaml", &public, "app08.bookinfo7.com");
    folder.edit("rollout.yaml", "destrule-app08", "destrule-app07");
    folder
}

fn the_managed_route_is_renamed(bed: &Bed) {
    let world = World::new(bed, "table-route");
    let folder = world.start_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[
"The VirtualService \"virtservice-app07\" is invalid: spec.http: Not found: Rollout table-route/app07 lists route `primary` in `spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]`, which VirtualService table-route/virtservice-app07 does not have; its http routes: `main`; to rename a route, add the new one behind the old, move the Rollout's reference, then drop the old one; if Rollout table-route/app07 stops using it, apply that first, or run the same apply again (in an incident: set the annotation `rollout-guard.io/allow: RG202` on the object in the same write, and remove it afterwards) [rollout-guard RG202]"
]);
    canary_is_unchanged(&world);

    let control = World::without_guard(bed, "table-route-control");
    let folder = control.start_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    folder.apply_file("virtual-service.yaml").ok();
    let frozen = control.until_phase("app07", "Degraded");
    assert!(
        text(&frozen, "/status/message").contains("InvalidSpec"),
        "{frozen:#}"
    );
}

/// The controller panics at every reconcile, and nobody is notified.
fn an_empty_tls_list_is_added(bed: &Bed) {
    let world = World::new(bed, "table-tls");
    let folder = world.start_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "  http:\n", "  tls: []\n  http:\n");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[
"The VirtualService \"virtservice-app07\" is invalid: spec.tls: Invalid value: VirtualService table-tls/virtservice-app07 has an empty `tls` list, at which the controller of Rollout table-tls/app07 (`spec.strategy.canary.trafficRouting.istio.virtualService.tlsRoutes`) panics; leave `tls` out of the VirtualService (in an incident: set the annotation `rollout-guard.io/allow: RG206` on the object in the same write, and remove it afterwards) [rollout-guard RG206]"
]);
    canary_is_unchanged(&world);

    let control = World::without_guard(bed, "table-tls-control");
    let folder = control.start_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "  http:\n", "  tls: []\n  http:\n");
    folder.apply_file("virtual-service.yaml").ok();
    control.argo("promote app07").ok();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let stuck = control.read("Rollout", "app07");
    assert_eq!(stuck["status"]["phase"], "Paused");
    assert_eq!(stuck["status"]["currentStepIndex"], 1);
}

fn three_unnamed_routes_meet_managed_routes(bed: &Bed) {
    let world = World::new(bed, "table-routes");
    let folder = world.folder("tests/e2e/manifests/header-route");
    folder.apply().ok();
    world.until_phase("web", "Healthy");
    let three = three_more_routes(&folder.text("virtual-service.yaml"));
    folder.write("virtual-service.yaml", &three);
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[
"The VirtualService \"web\" is invalid: spec.http[3].name: Duplicate value: VirtualService table-routes/web has 3 http routes without a name (`spec.http[3].name`), which the controller of Rollout table-routes/web multiplies at each write, because of `spec.strategy.canary.trafficRouting.managedRoutes`; give each http route of the VirtualService a name of its own (in an incident: set the annotation `rollout-guard.io/allow: RG208` on the object in the same write, and remove it afterwards) [rollout-guard RG208]"
]);

    let control = World::without_guard(bed, "table-routes-control");
    let folder = control.folder("tests/e2e/manifests/header-route");
    folder.write(
        "virtual-service.yaml",
        &three.replace("table-routes", "table-routes-control"),
    );
    folder.apply().ok();
    control.until_phase("web", "Healthy");
    control
        .argo("set image web web=registry.example/app:v2")
        .ok();
    control.until("VirtualService", "web", "many routes", |object| {
        list(object, "/spec/http").len() > 10
    });
}

fn three_more_routes(virtual_service: &str) -> String {
    let more = ["/a", "/b", "/c"].map(|prefix| {
        format!(
            "  - match:\n    - uri:\n        prefix: {prefix}\n    route:\n    - destination:\n        host: web-stable\n"
        )
    });
    virtual_service.to_owned() + &more.concat()
}

/// `additionalSubsetNames` protects destinations, but not subsets, which nobody expects.
fn an_additional_subset_is_put_into_the_managed_destination_rule(bed: &Bed) {
    let world = World::new(bed, "table-extra");
    let folder = world.folder(SUBSET_LEVEL.folder);
    additional_subset(&folder);
    folder.apply().ok();
    world.until_phase("app07", "Healthy");
    subset_extra(&folder);
    folder
        .apply_file("destination-rule.yaml")
        .fails()
        .prints(&[
"The DestinationRule \"destrule-app07\" is invalid: spec.subsets[0].name: Invalid value: \"extra\": Rollout table-extra/app07 manages DestinationRule table-extra/destrule-app07 by `spec.strategy.canary.trafficRouting.istio.destinationRule.additionalSubsetNames[0]`, and at every reconcile its controller deletes subset `extra`, although `additionalSubsetNames` lists it; define the subset in a second DestinationRule for the same host in the same namespace: Istio merges the two, and the controller touches only its own (in an incident: set the annotation `rollout-guard.io/allow: RG304` on the object in the same write, and remove it afterwards) [rollout-guard RG304]"
]);

    let control = World::without_guard(bed, "table-extra-control");
    let folder = control.folder(SUBSET_LEVEL.folder);
    additional_subset(&folder);
    subset_extra(&folder);
    folder.edit("virtual-service.yaml", "weight: 100\n", DESTINATION_EXTRA);
    folder.apply().ok();
    control.until_phase("app07", "Healthy");
    control.until("DestinationRule", "destrule-app07", "no extra", |rule| {
        !subsets(rule).contains(&"extra")
    });
    let weights = control.weights("virtservice-app07", "primary");
    assert!(
        weights
            .iter()
            .any(|(subset, weight)| subset == "extra" && *weight == 20),
        "{weights:?}"
    );
}

fn additional_subset(folder: &Folder) {
    folder.edit(
        "rollout.yaml",
        "            stableSubsetName: version-v1\n",
        "            stableSubsetName: version-v1\n            additionalSubsetNames: [extra]\n",
    );
}

fn subset_extra(folder: &Folder) {
    folder.edit(
        "destination-rule.yaml",
        "  subsets:\n",
        "  subsets:\n  - name: extra\n    labels:\n      name: app07\n",
    );
}

fn canary_is_unchanged(world: &World) {
    world.reconcile("app07");
    world.until_first_step(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    assert!(hashes.values().all(|hash| !hash.is_empty()), "{hashes:?}");
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
}

fn subsets(rule: &serde_json::Value) -> Vec<&str> {
    let subsets = list(rule, "/spec/subsets").iter();
    subsets.map(|subset| text(subset, "/name")).collect()
}

const DESTINATION_EXTRA: &str = "weight: 80
    - destination:
        host: app07.table-extra-control.svc.cluster.local
        subset: extra
      weight: 20
";
