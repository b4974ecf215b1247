//! What the Rollouts controller does in some versions only (docs/argo-versions.md), one story for each behaviour, of its
//! name. A story asks for what the table says of the running version, and that rollout-guard, with that `argoVersion`,
//! says the same.

use crate::api::{list, text};
use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::{World, weights};

pub const STORIES: &[Story] = &[
    shared!(misplaces_weights_after_a_deletion),
    shared!(inserts_managed_routes),
    shared!(multiplies_unnamed_routes),
    shared!(passes_over_named_routes),
    shared!(manages_tcp_routes),
    shared!(routes_ping_pong_with_istio),
    shared!(keeps_additional_subsets),
    shared!(refuses_changed_selectors),
    shared!(splits_dotted_names_at_last_dot),
];

/// A destination without a role before the stable one, applied in the middle of a canary.
fn misplaces_weights_after_a_deletion(bed: &Bed) {
    let argo = bed.layout.argo_version();
    let edit = |folder: &Folder| {
        let text = folder.text("virtual-service.yaml");
        let (head, stable) = text
            .rsplit_once("    - destination:\n")
            .expect("the stable destination");
        let other = "        host: app07\n        subset: other\n      weight: 10\n";
        let stable = stable.replace("weight: 100", "weight: 90");
        let text = [head, other, &stable].join("    - destination:\n");
        folder.write("virtual-service.yaml", &text);
    };

    let world = World::without_guard(bed, "argo-misplaces");
    let folder = world.start_canary(&SUBSET_LEVEL);
    edit(&folder);
    let recording = world.record(&["VirtualService"]);
    folder.apply_file("virtual-service.yaml").ok();
    // Its next write mends what it misplaced.
    world.until_weights(SUBSET_LEVEL.virtual_service, "primary", &[5, 95]);
    let stored = recording.stop(bed);
    let sums = stored["VirtualService"].iter().map(|revision| {
        let weights = weights(revision, "primary").into_iter();
        weights.map(|(_, weight)| weight).sum::<u64>()
    });
    let sums: Vec<u64> = sums.collect();
    let misplaced = sums.iter().any(|sum| *sum != 100);
    assert_eq!(
        misplaced,
        argo.misplaces_weights_after_a_deletion(),
        "{sums:?}"
    );

    let world = World::new(bed, "argo-misplaces-guarded");
    let folder = world.start_canary(&SUBSET_LEVEL);
    edit(&folder);
    let applied = folder.apply_file("virtual-service.yaml").run();
    if argo.misplaces_weights_after_a_deletion() {
        applied.failed().says("[rollout-guard RG205");
    } else {
        applied.succeeded();
    }
}

fn inserts_managed_routes(bed: &Bed) {
    let world = World::new(bed, "argo-inserts");
    world.apply(HEADER_ROUTE);
    release(&world, "web");
    let routes = |expected: &[&str]| {
        world.until(
            "VirtualService",
            "web",
            &format!("{expected:?}"),
            |stored| {
                let names = list(stored, "/spec/http")
                    .iter()
                    .map(|route| text(route, "/name"));
                names.eq(expected.iter().copied())
            },
        );
    };
    assert!(bed.layout.argo_version().inserts_managed_routes());
    routes(&["testers", "primary"]);
    world.argo("promote web --full").ok();
    world.until_phase("web", "Healthy");
    routes(&["primary"]);
}

fn multiplies_unnamed_routes(bed: &Bed) {
    let unnamed = "  - match:\n    - uri:\n        prefix: /AREA\n    route:\n    - destination:\n        host: web-stable\n";
    let unnamed = ["a", "b"]
        .map(|area| unnamed.replace("AREA", area))
        .concat();
    let edit = |folder: &Folder| {
        folder.edit(
            "virtual-service.yaml",
            "  http:\n",
            &format!("  http:\n{unnamed}"),
        );
    };

    let world = World::without_guard(bed, "argo-multiplies");
    let folder = world.folder(HEADER_ROUTE);
    edit(&folder);
    folder.apply().ok();
    world.until_phase("web", "Healthy");
    set_image(&world, "web");
    assert!(bed.layout.argo_version().multiplies_unnamed_routes());
    world.until(
        "VirtualService",
        "web",
        "four routes without a name",
        |stored| {
            let routes = list(stored, "/spec/http").iter();
            routes
                .filter(|route| text(route, "/name").is_empty())
                .count()
                >= 4
        },
    );

    let world = World::new(bed, "argo-multiplies-guarded");
    let folder = world.folder(HEADER_ROUTE);
    folder.apply().ok();
    world.until_phase("web", "Healthy");
    edit(&folder);
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG208");
}

/// The Rollout lists no routes, and the VirtualService has one, with a name.
fn passes_over_named_routes(bed: &Bed) {
    let world = World::new(bed, "argo-named");
    let folder = world.folder(SUBSET_LEVEL.folder);
    folder.edit(
        "rollout.yaml",
        "            routes:\n            - primary\n",
        "",
    );
    folder.apply().ok();
    release(&world, "app07");
    let passes_over = bed.layout.argo_version().passes_over_named_routes();
    let expected: &[u64] = if passes_over { &[0, 100] } else { &[5, 95] };
    world.until_weights(SUBSET_LEVEL.virtual_service, "primary", expected);
    // The controller would have written them before it paused.
    let weights = world.weights(SUBSET_LEVEL.virtual_service, "primary");
    assert!(
        weights
            .into_iter()
            .map(|(_, weight)| weight)
            .eq(expected.iter().copied())
    );
}

fn manages_tcp_routes(bed: &Bed) {
    let world = World::new(bed, "argo-tcp");
    world.apply("tests/setups/tls-tcp");
    release(&world, "shop");
    assert!(bed.layout.argo_version().manages_tcp_routes());
    until_lists(&world, ["tls", "tcp"], [95, 5]);
    // The file has 100/0.
    world
        .apply("tests/setups/tls-tcp/virtual-services.yaml")
        .says("kept weights 5/95");
    until_lists(&world, ["tls", "tcp"], [95, 5]);
}

fn routes_ping_pong_with_istio(bed: &Bed) {
    let world = World::new(bed, "argo-ping-pong");
    world.apply("tests/setups/ping-pong");
    release(&world, "shop");
    assert!(bed.layout.argo_version().routes_ping_pong_with_istio());
    until_lists(&world, ["http"], [95, 5]);
    world.argo("promote shop --full").ok();
    world.until_phase("shop", "Healthy");
    // What was canary is stable now.
    until_lists(&world, ["http"], [0, 100]);
    world
        .apply("tests/setups/ping-pong/virtual-services.yaml")
        .says("kept weights 0/100");
}

/// A destination whose subset the Rollout lists in `additionalSubsetNames`, behind the others.
fn keeps_additional_subsets(bed: &Bed) {
    let world = World::new(bed, "argo-additional");
    let folder = world.folder(SUBSET_LEVEL.folder);
    let stable = "            stableSubsetName: version-v1\n";
    let additional = format!("{stable}            additionalSubsetNames:\n            - other\n");
    folder.edit("rollout.yaml", stable, &additional);
    // In a rule of its own: the controller deletes other subsets of its own rule.
    let rule = folder.text("destination-rule.yaml");
    let (head, _) = rule.split_once("  subsets:\n").expect("the subsets");
    let head = head.replace("name: destrule-app07", "name: destrule-app07-other");
    let subsets = "  subsets:\n  - name: other\n    labels:\n      name: app07\n";
    folder.write("other.yaml", &format!("{head}{subsets}"));
    let rest = "      weight: 90\n    - destination:\n        host: app07.argo-additional.svc.cluster.local\n        subset: other\n      weight: 10\n";
    folder.edit("virtual-service.yaml", "      weight: 100\n", rest);
    // The CRD of an older version does not have the field.
    world
        .kubectl("apply --validate=false -f")
        .arg(folder.path(""))
        .ok();
    release(&world, "app07");
    let keeps = bed.layout.argo_version().keeps_additional_subsets();
    let expected: &[u64] = if keeps { &[5, 85, 10] } else { &[5, 95] };
    world.until_weights(SUBSET_LEVEL.virtual_service, "primary", expected);
}

fn refuses_changed_selectors(bed: &Bed) {
    let world = World::new(bed, "argo-selector");
    let folder = world.folder(SUBSET_LEVEL.folder);
    let (label, both) = (
        "      labels:\n        name: app07\n",
        "      labels:\n        name: app07\n        team: shop\n",
    );
    folder.edit("rollout.yaml", label, both);
    folder.apply().ok();
    world.until_phase("app07", "Healthy");
    let selected = "    matchLabels:\n      name: app07\n";
    folder.edit(
        "rollout.yaml",
        selected,
        "    matchLabels:\n      team: shop\n",
    );
    folder.edit("rollout.yaml", "app:v1", "app:v2");
    let applied = folder.apply_file("rollout.yaml").run();
    if bed.layout.argo_version().refuses_changed_selectors() {
        applied
            .failed()
            .says("spec.selector")
            .never_says("rollout-guard");
    } else {
        applied.succeeded();
    }
}

/// A VirtualService with a dot in its name.
fn splits_dotted_names_at_last_dot(bed: &Bed) {
    let world = World::new(bed, "argo-dotted");
    let folder = world.folder(SUBSET_LEVEL.folder);
    folder.edit(
        "virtual-service.yaml",
        "  name: virtservice-app07\n",
        "  name: app07.routes\n",
    );
    let name = "            name: app07.routes.argo-dotted\n";
    folder.edit(
        "rollout.yaml",
        "            name: virtservice-app07\n",
        name,
    );
    let applied = folder.apply().ok().says("RG211");
    if bed.layout.argo_version().splits_dotted_names_at_last_dot() {
        applied.says(
            "which is VirtualService argo-dotted/app07.routes, but VirtualService routes/app07 to",
        );
        release(&world, "app07");
        world.until_weights("app07.routes", "primary", &[5, 95]);
    } else {
        applied.says(
            "which is VirtualService routes/app07, but VirtualService argo-dotted/app07.routes to",
        );
        world.until("Rollout", "app07", "InvalidSpec", |rollout| {
            let conditions = list(rollout, "/status/conditions");
            conditions
                .iter()
                .any(|condition| condition["type"] == "InvalidSpec")
        });
    }
}

/// A canary of `v2` at its first pause.
fn release(world: &World, name: &str) {
    world.until_phase(name, "Healthy");
    set_image(world, name);
    world.until_phase(name, "Paused");
}

fn set_image(world: &World, name: &str) {
    let image = format!("set image {name} {name}=registry.example/app:v2");
    world.argo(&image).ok();
}

/// Waits for these weights in the first route of each list of VirtualService `shop`.
fn until_lists<const N: usize>(world: &World, names: [&str; N], expected: [u64; 2]) {
    world.until(
        "VirtualService",
        "shop",
        &format!("{expected:?}"),
        |stored| {
            names.iter().all(|name| {
                let route = list(stored, &format!("/spec/{name}/0/route")).iter();
                // Istio's CRD stores no weight of 0.
                route
                    .map(|to| to["weight"].as_u64().unwrap_or(0))
                    .eq(expected)
            })
        },
    );
}

const HEADER_ROUTE: &str = "tests/e2e/manifests/header-route";
