//! `serve --record` on a real control plane: the reviews that users, the garbage collector and the namespace
//! controller cause are stored without secrets, and `rollout-guard review` answers each of them with the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::alone;
use crate::api::text;
use crate::bed::{Bed, poll};
use crate::release::{HOST_LEVEL, SUBSET_LEVEL};
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[alone!(recordings_are_answered_again)];

fn recordings_are_answered_again(bed: &Bed) {
    let volume = Volume::of_the_guard(bed);
    for flow in [subset_level, host_level] {
        flow(bed);
    }
    for expected in EXPECTED {
        volume.until_recorded(expected);
    }
    let all = volume.recordings();
    for recording in &all {
        recording.holds_no_secret();
        recording.is_answered_again(bed.kubelet.binary());
    }
    // /mutate sees the controller's writes, to share the ownership of fields; /validate does not.
    let mut by_controller = all.iter().filter(|recording| recording.by(CONTROLLER));
    let validated = by_controller.find(|recording| !recording.mutates());
    let validated = validated.map(|recording| &recording.folder);
    assert_eq!(validated, None, "it is never denied");
}

/// A ConfigMap owns the Rollout's Service and VirtualService; the other objects are deleted with the namespace.
fn subset_level(bed: &Bed) {
    let world = World::unsettled(bed, "recorded-subset");
    let folder = world.folder(SUBSET_LEVEL.folder);
    folder.edit("rollout.yaml", IMAGE, WITH_ENV);
    folder.edit("virtual-service.yaml", ROUTE, WITH_HEADER);
    folder.apply().ok();
    world.until_phase("app07", "Healthy");
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
    for (file, kept) in [
        ("virtual-service.yaml", "kept weights 5/95"),
        ("destination-rule.yaml", "kept hashes"),
    ] {
        folder.apply_file(file).ok().says(kept);
    }
    folder.edit("virtual-service.yaml", "name: primary\n", "name: main\n");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG202]");
    for object in ["virtualservice virtservice-app07", "service app07"] {
        world
            .kubectl(&format!("delete {object}"))
            .fails()
            .says("[rollout-guard RG701]");
    }
    collect(
        &world,
        &[
            ("VirtualService", "virtservice-app07"),
            ("Service", "app07"),
        ],
    );
    world
        .kubectl("delete namespace recorded-subset --timeout=45s")
        .ok();
}

/// The files of both Services are applied with force over the controller's values.
fn host_level(bed: &Bed) {
    let world = World::unsettled(bed, "recorded-host");
    let folder = world.start_canary(&HOST_LEVEL);
    folder
        .kubectl("apply --server-side --force-conflicts", "services.yaml")
        .ok();
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
}

/// The owner is deleted, and the garbage collector deletes its objects.
fn collect(world: &World, objects: &[(&str, &str)]) {
    world.kubectl("create configmap owner").ok();
    let uid = world.read("ConfigMap", "owner")["metadata"]["uid"].to_string();
    let owned = format!(
        r#"{{"metadata":{{"ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":{uid}}}]}}}}"#
    );
    for (kind, name) in objects {
        world
            .kubectl(&format!("patch {kind}/{name} --type=merge -p"))
            .arg(&owned)
            .ok();
    }
    world
        .kubectl("delete configmap owner --cascade=background")
        .ok();
    for (kind, name) in objects {
        let gone = || {
            world
                .find(kind, name)
                .map_or(Ok(()), |found| Err(found.to_string()))
        };
        world
            .bed
            .wait(&format!("{kind} {name} to go"), DEADLINE, gone);
    }
}

/// The folder in which the guard's only Pod stores its recordings. It is kept with the logs, however the story ends.
struct Volume<'a> {
    place: PathBuf,
    bed: &'a Bed,
}

impl<'a> Volume<'a> {
    fn of_the_guard(bed: &'a Bed) -> Self {
        bed.guard().install(&[
            "profile=guard",
            "replicas=1",
            "extraArgs[0]=--record=/var/record",
            "extraVolumes[0].name=record",
            "extraVolumes[0].emptyDir.sizeLimit=64Mi",
            "extraVolumeMounts[0].name=record",
            "extraVolumeMounts[0].mountPath=/var/record",
        ]);
        let pods = bed.guard().pods();
        assert_eq!(pods.len(), 1);
        let place = bed
            .kubelet
            .volume(text(&pods[0], "/metadata/uid"), "record");
        Self { place, bed }
    }

    /// The complete recordings, in order.
    fn recordings(&self) -> Vec<Recording> {
        let complete = |folder: &PathBuf| !name(folder).starts_with('.');
        let folders = entries(&self.place).into_iter().filter(complete);
        folders.map(Recording::read).collect()
    }

    /// The recordings are written after the answers are sent.
    fn until_recorded(&self, expected: &Expected) {
        poll(&format!("{expected:?}"), DEADLINE, &mut || {
            let all = self.recordings();
            let is_there = all.iter().any(|recording| recording.is(expected));
            let names = || {
                all.iter()
                    .map(|recording| name(&recording.folder))
                    .collect()
            };
            is_there.then_some(()).ok_or_else(|| {
                let names: Vec<String> = names();
                names.join("\n")
            })
        });
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        let kept = self.bed.layout.logs.join("recordings");
        for folder in entries(&self.place) {
            let to = kept.join(name(&folder));
            std::fs::create_dir_all(&to).ok();
            for file in entries(&folder) {
                std::fs::copy(&file, to.join(name(&file))).ok();
            }
        }
    }
}

struct Recording {
    folder: PathBuf,
    review: Value,
    response: Value,
}

impl Recording {
    fn read(folder: PathBuf) -> Self {
        let parsed = |file| serde_json::from_str(&read(&folder, file)).expect("JSON");
        Self {
            review: parsed("review.json"),
            response: parsed("response.json"),
            folder,
        }
    }

    fn by(&self, user: &str) -> bool {
        text(&self.review, "/request/userInfo/username") == user
    }

    fn mutates(&self) -> bool {
        name(&self.folder).contains("-mutate-")
    }

    fn is(&self, expected: &Expected) -> bool {
        let (words, user, allowed, patched) = expected;
        name(&self.folder).contains(words)
            && (user.is_empty() || self.by(user))
            && self.response["response"]["allowed"] == *allowed
            && self.folder.join("patch.json").exists() == *patched
    }

    #[track_caller]
    fn holds_no_secret(&self) {
        let place = self.folder.display();
        let user = self.review["request"]["userInfo"].as_object();
        let user = user.unwrap_or_else(|| panic!("{place}: nobody asked"));
        let told: Vec<&str> = user.keys().map(String::as_str).collect();
        assert!(
            told.iter()
                .all(|field| ["username", "groups"].contains(field)),
            "{place}: {told:?}"
        );
        for file in entries(&self.folder) {
            let text = read(&self.folder, &name(&file));
            assert!(!text.contains(SECRET), "{}", file.display());
            // The name of the annotation is also in managedFields, after `f:`.
            for before in ["\"", " ", "'"] {
                let annotation = format!("{before}{LAST_APPLIED}");
                assert!(!text.contains(&annotation), "{}", file.display());
            }
        }
    }

    /// The command prints the answer on one line, the recording contains it on many.
    #[track_caller]
    fn is_answered_again(&self, guard: &Path) {
        let ran = Command::new(guard)
            .args(["review", "--manifests", "cluster.json", "review.json"])
            .args(self.mutates().then_some("--mutate"))
            .current_dir(&self.folder)
            .output()
            .expect("the guard runs");
        let place = self.folder.display();
        let said = String::from_utf8_lossy(&ran.stderr);
        let answer: Value = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{place}: {error}: {said}"));
        let pretty = serde_json::to_string_pretty(&answer).expect("JSON") + "\n";
        assert_eq!(pretty, read(&self.folder, "response.json"), "{place}");
        let denied = self.response["response"]["allowed"] == false;
        assert_eq!(ran.status.code(), Some(i32::from(denied)), "{place}");
    }
}

fn read(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A part of the folder's name, the user, whether the write was allowed, whether there is a patch.
type Expected = (&'static str, &'static str, bool, bool);

// One line each, for comparison.
#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    ("-mutate-update-virtualservice-recorded-subset-", "", true, true),
    ("-mutate-update-destinationrule-recorded-subset-", "", true, true),
    ("-validate-update-virtualservice-recorded-subset-", "", false, false),
    ("-validate-delete-virtualservice-recorded-subset-", "", false, false),
    ("-validate-delete-service-recorded-subset-", "", false, false),
    ("-validate-delete-virtualservice-recorded-subset-", COLLECTOR, true, false),
    ("-validate-delete-service-recorded-subset-", COLLECTOR, true, false),
    ("-validate-delete-destinationrule-recorded-subset-", NAMESPACES, true, false),
    ("-validate-delete-rollout-recorded-subset-", NAMESPACES, true, false),
    ("-mutate-update-service-recorded-host-", "", true, true),
    ("-mutate-update-virtualservice-recorded-host-", "", true, true),
];
const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const NAMESPACES: &str = "system:serviceaccount:kube-system:namespace-controller";
const CONTROLLER: &str = "system:serviceaccount:argo-rollouts:argo-rollouts";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const SECRET: &str = "s3cret";
const IMAGE: &str = "        image: registry.example/app:v1\n";
const WITH_ENV: &str = "        image: registry.example/app:v1\n        env:\n        - name: KEY\n          value: s3cret\n";
const ROUTE: &str = "  - name: primary\n";
const WITH_HEADER: &str = "  - name: primary\n    headers:\n      request:\n        set:\n          authorization: s3cret\n";
