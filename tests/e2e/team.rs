//! A team that releases by commits only, with Argo CD or Flux.

use std::time::{Duration, Instant};

use crate::api::{list, text};
use crate::argo_cd::Application;
use crate::authors::Authors;
use crate::flow::{ControllerValues, FLOWS, KINDS, ROLLOUTS, Tally};
use crate::folder::Folder;
use crate::reapply;
use crate::record::Recording;
use crate::release::SUBSET_LEVEL;
use crate::repository::Repository;
use crate::stories::one_release::{add_listed_route, with_route_to};
use crate::world::World;

/// What applies a repository: an Application or a Kustomization.
pub trait Tool {
    /// What a webhook of the git host does: the tool reads the repository now.
    fn refresh(&self);

    /// Waits until this commit is applied.
    fn until_applied(&self, commit: &str);
}

pub struct Team<'w, T> {
    pub world: &'w World<'w>,
    pub folder: Folder<'w>,
    pub tool: T,
    repository: Repository<'w>,
    expected: ControllerValues,
    recording: Recording,
}

impl<'w, T: Tool> Team<'w, T> {
    /// The first commit is applied, and all Rollouts are healthy.
    pub fn start(
        world: &'w World<'w>,
        folder: Folder<'w>,
        rollouts: &[&str],
        create: impl FnOnce(&Repository) -> T,
    ) -> Self {
        let repository = Repository::new(world);
        let tool = create(&repository);
        tool.until_applied(&repository.head());
        for rollout in rollouts {
            // The controller does not look again at a Rollout that was there before its DestinationRule.
            world
                .kubectl(&format!("annotate rollout {rollout} look=again"))
                .ok();
            world.until_phase(rollout, "Healthy");
        }
        let kinds: Vec<&str> = KINDS.iter().copied().chain(["Rollout"]).collect();
        Self {
            expected: ControllerValues::of(world, &reapply::objects(world, folder.path(""))),
            recording: world.record(&kinds),
            world,
            folder,
            tool,
            repository,
        }
    }

    /// Commits all files.
    pub fn commit(&self, message: &str) {
        self.repository.commit(message);
        self.tool.refresh();
    }

    pub fn revert(&self) {
        self.repository.revert();
        self.tool.refresh();
    }

    /// The hash of the last commit.
    pub fn head(&self) -> String {
        self.repository.head()
    }

    /// Waits until the last commit is applied.
    pub fn until_applied(&self) {
        self.tool.until_applied(&self.head());
    }

    /// Waits until this VirtualService has the timeout of the file.
    pub fn until_timeout(&self, virtual_service: &str) {
        let what = "the timeout";
        self.world
            .until("VirtualService", virtual_service, what, |stored| {
                stored.to_string().contains(r#""timeout":"7s""#)
            });
    }

    /// What was stored after the first commit, and what of it was wrong.
    pub fn end(self) -> Tally {
        let recorded = self.recording.stop(self.world.bed);
        let authors = Authors::read(self.world.bed, &self.world.namespace);
        self.expected.judge(&recorded, &authors)
    }
}

/// What the teams of the flow `SUBSET_LEVEL` commit.
impl<'w, T: Tool> Team<'w, T> {
    pub fn of_subset_level(world: &'w World<'w>, create: impl FnOnce(&Repository) -> T) -> Self {
        let folder = world.folder(SUBSET_LEVEL.folder);
        Self::start(world, folder, &[SUBSET_LEVEL.rollout], create)
    }

    /// A canary of `v2` at its first pause.
    pub fn release_image(&self) {
        self.folder.edit("rollout.yaml", "app:v1", "app:v2");
        self.commit("Release v2");
        self.until_applied();
        self.world.until_phase(SUBSET_LEVEL.rollout, "Paused");
    }

    /// A route that the Rollout lists, a DestinationRule with a subset, and a route to it, in one commit.
    pub fn commit_several_objects(&self) {
        add_listed_route(&self.folder, "beta");
        // The controller deletes other subsets of its own DestinationRule.
        let rule = self.folder.text("destination-rule.yaml");
        let (head, _) = rule.split_once("  subsets:\n").expect("the subsets");
        let head = head.replace("name: destrule-app07", "name: destrule-app07-eu");
        let subsets = "  subsets:\n  - name: eu\n    labels:\n      name: app07\n";
        self.folder.write("eu.yaml", &format!("{head}{subsets}"));
        let routes = with_route_to(&self.folder, "eu");
        self.folder.write("virtual-service.yaml", &routes);
        self.commit("Add a route and a subset");
    }

    pub fn release_several_objects(&self) {
        self.commit_several_objects();
        self.until_applied();
        self.world.until_phase(SUBSET_LEVEL.rollout, "Healthy");
        assert_eq!(self.routes(), ["primary", "beta", "eu"]);
    }

    /// Somebody renames the route that the Rollout lists.
    pub fn rename_route(&self) {
        self.folder
            .edit("virtual-service.yaml", "name: primary", "name: main");
        self.commit("Rename the route");
    }

    pub fn mend_route(&self) {
        let mended = "name: primary\n    timeout: 7s\n";
        self.folder
            .edit("virtual-service.yaml", "name: main\n", mended);
        self.commit("Keep the route, and add a timeout");
        self.until_applied();
        self.until_timeout(SUBSET_LEVEL.virtual_service);
    }

    /// Two subsets with one name, and a route.
    pub fn break_one_object(&self) {
        let [from, to] = ["name: version-v2", "name: version-v1"];
        self.folder.edit("destination-rule.yaml", from, to);
        let routes = with_route_to(&self.folder, "version-v1");
        self.folder.write("virtual-service.yaml", &routes);
        self.commit("Name two subsets alike, and add a route");
    }

    pub fn roll_back(&self) {
        self.revert();
        self.until_applied();
        self.world.until_phase(SUBSET_LEVEL.rollout, "Healthy");
        self.world
            .until_weights(SUBSET_LEVEL.virtual_service, "primary", &[0, 100]);
        let rollout = self.world.read("Rollout", SUBSET_LEVEL.rollout);
        let image = &rollout["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "registry.example/app:v1");
    }

    /// The Rollout lists a route that only the next commit adds.
    pub fn list_route(&self) {
        let list = "            - primary\n";
        let longer = "            - beta\n            - primary\n";
        self.folder.edit("rollout.yaml", list, longer);
        self.commit("List a route");
        self.until_applied();
        self.world.until_phase(SUBSET_LEVEL.rollout, "Degraded");
    }

    pub fn add_route(&self) {
        let text = self.folder.text("virtual-service.yaml");
        let (_, primary) = text.split_once("  - name: primary\n").expect("the route");
        let routes = format!("{text}  - name: beta\n{primary}");
        self.folder.write("virtual-service.yaml", &routes);
        self.commit("Add the route");
        self.until_applied();
        self.world.until_phase(SUBSET_LEVEL.rollout, "Healthy");
    }

    /// Leaves only a ConfigMap.
    pub fn delete_flow(&self) {
        let files = std::fs::read_dir(self.folder.path("")).expect("the copy");
        for file in files.flatten() {
            std::fs::remove_file(file.path()).expect("the copy can be changed");
        }
        let namespace = &self.world.namespace;
        let named = format!("metadata:\n  name: left\n  namespace: {namespace}\n");
        let left = format!("apiVersion: v1\nkind: ConfigMap\n{named}");
        self.folder.write("left.yaml", &left);
        self.commit("Delete the application");
    }

    /// Waits until no object of the flow is left. Returns how long it took.
    pub fn until_deleted(&self) -> Duration {
        let from = Instant::now();
        for (kind, name) in OBJECTS {
            let what = format!("{kind} {name} to go");
            self.world.bed.wait(&what, DELETED_WITHIN, || {
                self.world
                    .find(kind, name)
                    .map_or(Ok(()), |object| Err(object.to_string()))
            });
        }
        from.elapsed()
    }

    /// The names of the stored routes.
    pub fn routes(&self) -> Vec<String> {
        let stored = self
            .world
            .read("VirtualService", SUBSET_LEVEL.virtual_service);
        let routes = list(&stored, "/spec/http").iter();
        routes
            .map(|route| text(route, "/name").to_owned())
            .collect()
    }
}

/// What a team of two flows commits.
impl<'w, T: Tool> Team<'w, T> {
    pub fn of_two_flows(world: &'w World<'w>, create: impl FnOnce(&Repository) -> T) -> Self {
        let folder = world.folder(FLOWS);
        idle_weights(&folder, "host-level.yaml", ["100", "0"]);
        idle_weights(&folder, "subset-level.yaml", ["0", "100"]);
        Self::start(world, folder, &ROLLOUTS, create)
    }

    /// Two canaries of `v2` at their first pause.
    pub fn release_images(&self) {
        self.edit_flows("app:v1", "app:v2");
        self.commit("Release v2");
        self.until_flows("Paused");
        self.until_applied();
    }

    pub fn until_first_weights(&self) {
        self.world.until_weights("app07", "primary", &[5, 95]);
        self.world.until_weights("shop", "primary", &[95, 5]);
    }

    /// A change of a field that belongs to the team arrives during the canaries.
    pub fn release_timeouts(&self) {
        let timeout = "  - name: primary\n    timeout: 7s\n";
        self.edit_flows("  - name: primary\n", timeout);
        self.commit("Add a timeout");
        for name in ROLLOUTS {
            self.until_timeout(name);
        }
    }

    pub fn promote_flows(&self) {
        for rollout in ROLLOUTS {
            self.world.argo(&format!("promote {rollout} --full")).ok();
        }
        self.until_flows("Healthy");
        self.tool.refresh();
    }

    fn until_flows(&self, phase: &str) {
        for rollout in ROLLOUTS {
            self.world.until_phase(rollout, phase);
        }
    }

    fn edit_flows(&self, from: &str, to: &str) {
        for file in ["host-level.yaml", "subset-level.yaml"] {
            self.folder.edit(file, from, to);
        }
    }
}

/// The files have the weights of an idle flow, as people write them.
fn idle_weights(folder: &Folder, file: &str, weights: [&str; 2]) {
    let mut text = folder.text(file);
    for weight in weights {
        text = text.replacen("weight: 50", &format!("weight: {weight}"), 1);
    }
    folder.write(file, &text);
}

/// For an Application.
impl Team<'_, Application<'_>> {
    /// Waits until the sync of the last commit has ended.
    pub fn until_sync(&self, phase: &str) {
        self.tool.until_sync(&self.head(), phase);
    }

    /// Waits until the last commit is `Synced` or not, and its objects `Healthy`, `Suspended` or `Degraded`.
    pub fn until_status(&self, sync: &str, health: &str) {
        self.tool.until_status(&self.head(), sync, health);
    }
}

/// The flow `SUBSET_LEVEL`.
const OBJECTS: [(&str, &str); 4] = [
    ("Rollout", "app07"),
    ("VirtualService", "virtservice-app07"),
    ("DestinationRule", "destrule-app07"),
    ("Service", "app07"),
];
/// Argo CD looks again after three minutes at the latest.
const DELETED_WITHIN: Duration = Duration::from_mins(4);
