//! Releases that change several objects of one flow at once, applied one by one.

use std::time::{Duration, Instant};

use crate::bed::Bed;
use crate::command::Run;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

use super::audit::{until_counted, until_described};

pub const STORIES: &[Story] = &[
    shared!(helm_adds_a_route_and_lists_it),
    shared!(helm_adds_a_subset_and_sends_to_it),
    shared!(flux_applies_a_route_and_a_subset_in_one_commit_each),
    shared!(flux_applies_nothing_of_a_commit_with_a_fault),
    shared!(a_release_that_never_completes_is_reported),
    shared!(a_typo_of_a_person_is_denied),
    shared!(the_same_apply_again_completes_an_unmarked_release),
];

const CHART: &str = "tests/e2e/manifests/app-chart";

/// One chart and one version of Helm.
struct Release<'w> {
    world: &'w World<'w>,
    chart: Folder<'w>,
    tool: &'static str,
}

impl<'w> Release<'w> {
    fn install(world: &'w World<'w>, tool: &'static str) -> Self {
        let chart = world.folder(CHART);
        let release = Self { world, chart, tool };
        release
            .helm("install app07")
            .arg(release.chart.path(""))
            .ok();
        world.until_phase("app07", "Healthy");
        release
    }

    fn helm(&self, words: &str) -> Run {
        match self.tool {
            "helm" => self.world.helm(words),
            _ => self.world.helm3(words),
        }
    }

    /// The upgrade that people run in pipelines: it goes back by itself if an object is denied.
    fn upgrade(&self) -> Run {
        let flags = match self.tool {
            // The waiter that is the default never sees a Rollout as ready: its `observedGeneration` is a string.
            "helm" => "--rollback-on-failure --wait=legacy --force-conflicts",
            _ => "--atomic",
        };
        let run = self.helm(&format!("upgrade app07 {flags} --timeout=90s"));
        run.arg(self.chart.path(""))
    }

    fn upgrade_without_waiting(&self) -> Run {
        let run = self.helm(&format!("upgrade app07 {}", self.force()));
        run.arg(self.chart.path(""))
    }

    fn rollback(&self, revision: u32) -> Run {
        self.helm(&format!("rollback app07 {revision} {}", self.force()))
    }

    fn force(&self) -> &'static str {
        match self.tool {
            "helm" => "--force-conflicts",
            _ => "",
        }
    }

    /// A route `beta` in the Rollout's list.
    fn list_route(&self) {
        let list = "            - primary\n";
        let longer = "            - primary\n            - beta\n";
        self.chart.edit("templates/rollout.yaml", list, longer);
    }

    /// A route `beta` in the VirtualService, for requests with a header.
    fn add_route(&self) {
        let file = "templates/virtual-service.yaml";
        let text = self.chart.text(file);
        let (head, primary) = text.split_once("  - name: primary\n").expect("the route");
        let beta =
            "  - name: beta\n    match:\n    - headers:\n        x-beta:\n          exact: \"1\"\n";
        let text = format!("{head}{beta}{primary}  - name: primary\n{primary}");
        self.chart.write(file, &text);
    }
}

/// Helm applies the Rollout, which lists the route, before the VirtualService, which brings it.
fn helm_adds_a_route_and_lists_it(bed: &Bed) {
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("release-route-{tool}"));
        let release = Release::install(&world, tool);
        release.list_route();
        release.add_route();
        let pending = format!(
            "RG202: pending: VirtualService {}/virtservice-app07 must follow in this release",
            world.namespace
        );
        release.upgrade().ok().says(&pending);
        world.until_phase("app07", "Healthy");
        release.chart.edit("values.yaml", "app:v1", "app:v2");
        release.upgrade_without_waiting().ok();
        world.until_weights("virtservice-app07", "beta", &[5, 95]);
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
        world.argo("promote app07 --full").ok();
        world.until_phase("app07", "Healthy");
        // Back over both releases: the image, the list and the route.
        release.rollback(1).ok();
        world.until_phase("app07", "Paused");
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
        world.argo("promote app07 --full").ok();
        world.until_phase("app07", "Healthy");
        let service = world.read("VirtualService", "virtservice-app07");
        assert_eq!(service["spec"]["http"].as_array().map(Vec::len), Some(1));
    }
}

/// The second DestinationRule of the host brings the subset, and the managed route sends to it.
fn helm_adds_a_subset_and_sends_to_it(bed: &Bed) {
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("release-subset-{tool}"));
        let release = Release::install(&world, tool);
        let rule = release.chart.text("templates/destination-rule.yaml");
        let (head, _) = rule.split_once("  subsets:\n").expect("the subsets");
        let head = head.replace("name: destrule-app07", "name: destrule-app07-eu");
        let subset = "  subsets:\n  - name: eu\n    labels:\n      name: app07\n";
        release
            .chart
            .write("templates/eu.yaml", &format!("{head}{subset}"));
        release.chart.edit(
            "templates/rollout.yaml",
            "            stableSubsetName: version-v1\n",
            "            stableSubsetName: version-v1\n            additionalSubsetNames: [eu]\n",
        );
        release.chart.edit(
            "templates/virtual-service.yaml",
            "    route:\n",
            "    route:\n    - destination:\n        host: app07.{{ .Release.Namespace }}.svc.cluster.local\n        \
             subset: eu\n      weight: 10\n",
        );
        release.chart.edit(
            "templates/virtual-service.yaml",
            "weight: 100",
            "weight: 90",
        );
        release.upgrade().ok();
        world.until_phase("app07", "Healthy");
        world.until_weights("virtservice-app07", "primary", &[10, 0, 90]);
        // Back: the Rollout no longer keeps the subset, and the VirtualService follows.
        let back = release.rollback(1).ok();
        back.says("RG205: pending: VirtualService");
        world.until_phase("app07", "Healthy");
        world.until_weights("virtservice-app07", "primary", &[0, 100]);
    }
}

/// Flux tries every object as a dry run, while the others have not changed, before it applies the first one.
fn flux_applies_a_route_and_a_subset_in_one_commit_each(bed: &Bed) {
    let world = World::new(bed, "release-flux");
    let folder = world.folder(SUBSET_LEVEL.folder);
    flux(&world, &folder).ok();
    world.until_phase("app07", "Healthy");
    add_listed_route(&folder, "beta");
    flux(&world, &folder).ok();
    world.until_phase("app07", "Healthy");
    // A DestinationRule with one subset, which a route uses; then another one.
    let subset = |name: &str| format!("  - name: {name}\n    labels:\n      name: app07\n");
    let rule = folder.text("destination-rule.yaml");
    let (head, _) = rule.split_once("  subsets:\n").expect("the subsets");
    let head = head.replace("name: destrule-app07", "name: destrule-app07-more");
    folder.write("more.yaml", &format!("{head}  subsets:\n{}", subset("eu")));
    folder.write("virtual-service.yaml", &with_route_to(&folder, "eu"));
    flux(&world, &folder).ok();
    folder.write("more.yaml", &(folder.text("more.yaml") + &subset("us")));
    folder.write("virtual-service.yaml", &with_route_to(&folder, "us"));
    flux(&world, &folder).ok();
    let routes = world.read("VirtualService", "virtservice-app07");
    assert_eq!(
        routes["spec"]["http"].as_array().map(Vec::len),
        Some(4),
        "{routes:#}"
    );
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_weights("virtservice-app07", "beta", &[5, 95]);
    // In the middle of a canary a dry run may pass, the write does not.
    folder.edit(
        "rollout.yaml",
        "            - beta\n",
        "            - beta\n            - gamma\n",
    );
    flux(&world, &folder)
        .fails()
        .says("Rollout/release-flux/app07 apply failed")
        .says("[rollout-guard RG202");
    flux(&world, &folder).fails();
    world.until_weights("virtservice-app07", "beta", &[5, 95]);
}

fn flux_applies_nothing_of_a_commit_with_a_fault(bed: &Bed) {
    let world = World::new(bed, "release-flux-fault");
    let folder = world.folder(SUBSET_LEVEL.folder);
    flux(&world, &folder).ok();
    world.until_phase("app07", "Healthy");
    add_listed_route(&folder, "beta");
    folder.edit(
        "destination-rule.yaml",
        "- name: version-v2",
        "- name: version-v1",
    );
    flux(&world, &folder)
        .fails()
        .says("dry-run failed")
        .says("[rollout-guard RG503");
    let service = world.read("VirtualService", "virtservice-app07");
    assert_eq!(service["spec"]["http"].as_array().map(Vec::len), Some(1));
}

/// All files of the folder as one Kustomization.
fn flux(world: &World, folder: &Folder) -> Run {
    let files = std::fs::read_dir(folder.path("")).expect("the folder");
    let files = files.map(|file| std::fs::read_to_string(file.expect("a file").path()));
    let files: Vec<String> = files.map(|text| text.expect("a text file")).collect();
    world.flux("app07").input(files.join("\n---\n"))
}

/// A second managed route in the Rollout's list and in the VirtualService.
pub fn add_listed_route(folder: &Folder, name: &str) {
    let (list, entry) = ("            - primary\n", format!("            - {name}\n"));
    folder.edit("rollout.yaml", list, &format!("{entry}{list}"));
    let text = folder.text("virtual-service.yaml");
    let (_, primary) = text.split_once("  - name: primary\n").expect("the route");
    let route = format!("  - name: {name}\n{primary}");
    folder.write("virtual-service.yaml", &format!("{text}{route}"));
}

/// The VirtualService with one more route, which sends to the subset.
pub fn with_route_to(folder: &Folder, subset: &str) -> String {
    let route = format!(
        "  - name: {subset}\n    route:\n    - destination:\n        host: app07\n        subset: {subset}\n"
    );
    folder.text("virtual-service.yaml") + &route
}

/// A route that no object of the release brings: silence for a minute, then an error, within two.
fn a_release_that_never_completes_is_reported(bed: &Bed) {
    let world = World::new(bed, "release-never");
    let release = Release::install(&world, "helm3");
    release.list_route();
    let start = Instant::now();
    release
        .helm("upgrade app07")
        .arg(release.chart.path(""))
        .ok()
        .says("RG202: pending: ");
    let series = |severity| {
        format!(
            r#"rollout_guard_findings{{rule="RG202",severity="{severity}",namespace="release-never"}}"#
        )
    };
    until_counted(bed, &series("warning"), &["1"]);
    std::thread::sleep(Duration::from_secs(30).saturating_sub(start.elapsed()));
    until_counted(bed, &series("error"), &[]);
    let described = world.kubectl("describe rollout app07").ok().stdout;
    assert!(!described.contains("RolloutGuardFinding"), "{described}");
    until_counted(bed, &series("error"), &["1"]);
    until_described(&world, "RG202 route-not-found (error): ");
    assert!(
        start.elapsed() < Duration::from_mins(2),
        "{:?}",
        start.elapsed()
    );
    release.add_route();
    release
        .helm("upgrade app07")
        .arg(release.chart.path(""))
        .ok();
    until_counted(bed, &series("error"), &[]);
    world.until_phase("app07", "Healthy");
}

fn a_typo_of_a_person_is_denied(bed: &Bed) {
    let world = World::new(bed, "release-typo");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit("rollout.yaml", "- primary\n", "- primry\n");
    folder
        .apply_file("rollout.yaml")
        .fails()
        .says("did you mean `primary`?")
        .says("[rollout-guard RG202]");
    // Also of an object that carries the marks of a release, which kubectl leaves as they are.
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("release-typo-{tool}"));
        Release::install(&world, tool);
        let path = "/spec/strategy/canary/trafficRouting/istio/virtualService/routes/0";
        world
            .kubectl("patch rollout app07 --type=json -p")
            .arg(format!(
                r#"[{{"op":"replace","path":"{path}","value":"primry"}}]"#
            ))
            .fails()
            .says("[rollout-guard RG202]");
    }
}

/// `kubectl apply` of a folder goes on after a denial, and the second time everything is there.
fn the_same_apply_again_completes_an_unmarked_release(bed: &Bed) {
    let world = World::new(bed, "release-again");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit(
        "rollout.yaml",
        "- primary\n",
        "- primary\n            - main\n",
    );
    let text = folder.text("virtual-service.yaml");
    let route = text.split_once("  http:\n").expect("http routes").1;
    let both = text.clone() + &route.replace("name: primary", "name: main");
    folder.write("virtual-service.yaml", &both);
    folder
        .apply()
        .fails()
        .says("adds it, apply that first, or run the same apply again")
        .says("[rollout-guard RG202]");
    folder.apply().ok();
    world.until_phase("app07", "Healthy");
}
