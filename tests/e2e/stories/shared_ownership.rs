//! Server-side apply without force: the controller gives up what people apply, so that an apply does not conflict, and
//! the controller's values stay.

use rollout_guard::cluster::ArgoVersion;

use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::HOST_LEVEL;
use crate::story::Story;
use crate::world::World;
use crate::{alone, shared};

pub const STORIES: &[Story] = &[
    shared!(helm_4_upgrades_through_a_whole_release),
    shared!(one_manager_applies_server_side),
    alone!(without_it_each_upgrade_conflicts),
];

const CHART: &str = "tests/e2e/manifests/host-chart";

/// The measurement: the controller owns the selectors of both Services from its first write.
fn without_it_each_upgrade_conflicts(bed: &Bed) {
    bed.guard()
        .install(&["profile=guard", "mutations.shared-ownership=off"]);
    let world = World::unsettled(bed, "unshared");
    let chart = world.folder(CHART);
    world.helm("install shop").arg(chart.path("")).ok();
    world.until_phase("shop", "Healthy");
    until_hashed(&world);
    world
        .helm("upgrade shop --set timeout=7s")
        .arg(chart.path(""))
        .fails()
        .says("conflict with \"rollouts-controller\"")
        .says(".spec.selector");
    bed.guard().ensure();
}

/// Idle, at both pauses, after promotion, in an aborted release and after its undo.
fn helm_4_upgrades_through_a_whole_release(bed: &Bed) {
    let world = World::new(bed, "shared");
    let chart = world.folder(CHART);
    world.helm("install shop").arg(chart.path("")).ok();
    world.until_phase("shop", "Healthy");
    until_hashed(&world);
    let mut upgrades = Upgrades {
        world: &world,
        chart: &chart,
        count: 0,
        each: if bed.long { 17 } else { 3 },
    };
    upgrades.run("v1", &[100, 0]);
    upgrades.one("v2");
    world.until_first_step(&HOST_LEVEL);
    let hashes = selectors(&world);
    upgrades.run("v2", &[95, 5]);
    assert_eq!(selectors(&world), hashes);
    world.promote(&HOST_LEVEL);
    world.until_weights("shop", "primary", &[50, 50]);
    upgrades.run("v2", &[50, 50]);
    world.promote(&HOST_LEVEL);
    world.until_phase("shop", "Healthy");
    world.until_weights("shop", "primary", &[100, 0]);
    upgrades.run("v2", &[100, 0]);
    upgrades.one("v3");
    world.until_first_step(&HOST_LEVEL);
    world.argo("abort shop").ok();
    world.until_weights("shop", "primary", &[100, 0]);
    upgrades.run("v3", &[100, 0]);
    upgrades.one("v2");
    world.until_phase("shop", "Healthy");
    upgrades.run("v2", &[100, 0]);
}

/// `helm upgrade` without force, each with another timeout.
struct Upgrades<'a> {
    world: &'a World<'a>,
    chart: &'a Folder<'a>,
    count: usize,
    /// How many at each stage of the release.
    each: usize,
}

impl Upgrades<'_> {
    fn one(&mut self, image: &str) {
        self.count += 1;
        let words = format!(
            "upgrade shop --set image=registry.example/app:{image} --set timeout={}s --set port={}",
            self.count,
            80 + self.count
        );
        self.world.helm(&words).arg(self.chart.path("")).ok();
    }

    fn run(&mut self, image: &str, weights: &[u64]) {
        let [stable, _] = selectors(self.world);
        for _ in 0..self.each {
            self.one(image);
            let stored = self.world.weights("shop", "primary").into_iter();
            let stored: Vec<u64> = stored.map(|(_, weight)| weight).collect();
            assert_eq!(stored, weights, "upgrade {}", self.count);
            // The controller moves the canary's hash after an abort and at the end of a release.
            let [kept, canary] = selectors(self.world);
            assert_eq!(kept, stable, "upgrade {}", self.count);
            assert!(!canary.is_empty(), "upgrade {}", self.count);
            let route = &self.world.read("VirtualService", "shop")["spec"]["http"][0];
            assert_eq!(route["timeout"], format!("{}s", self.count));
        }
    }
}

fn one_manager_applies_server_side(bed: &Bed) {
    let world = World::new(bed, "shared-kubectl");
    let folder = world.folder(HOST_LEVEL.folder);
    let apply = |manager: &str| {
        let words = format!("apply --server-side --field-manager={manager} -f");
        world.kubectl(&words).arg(folder.path(""))
    };
    apply("team").ok();
    world.until_phase("shop", "Healthy");
    until_hashed(&world);
    let again = apply("team").run();
    if bed.layout.argo_version() < ArgoVersion(1, 9) {
        // An older controller adds `resources: {}` to the containers of its Rollout, and owns the list from then on.
        again
            .failed()
            .says("Apply failed with 1 conflict")
            .says("using argoproj.io/v1alpha1: .spec.template.spec.containers");
    } else {
        again.succeeded();
    }
    world.set_image(&HOST_LEVEL, "v2");
    world.until_first_step(&HOST_LEVEL);
    let hashes = selectors(&world);
    let file = folder.path("virtual-service.yaml");
    let words = "apply --server-side --field-manager=team -f";
    world
        .kubectl(words)
        .arg(&file)
        .ok()
        .says("kept weights 5/95");
    world.kubectl(words).arg(folder.path("services.yaml")).ok();
    world.until_weights("shop", "primary", &[95, 5]);
    assert_eq!(selectors(&world), hashes);

    // Two managers that both apply conflict as ever.
    folder.edit("virtual-service.yaml", "- shop-stable", "- shop");
    world
        .kubectl("apply --server-side --field-manager=stranger -f")
        .arg(&file)
        .fails()
        .says("conflicts with \"team\"")
        .says(".spec.hosts");
}

fn until_hashed(world: &World) {
    for service in ["shop-stable", "shop-canary"] {
        world.until("Service", service, "a hash", |object| {
            !crate::release::selected(object).is_empty()
        });
    }
}

fn selectors(world: &World) -> [String; 2] {
    ["shop-stable", "shop-canary"].map(|service| world.selected(service))
}
