//! rollout-guard beside istiod's validation webhook. The API server asks both at once, and tells the refusal that it gets
//! first; the names of the configurations do not matter.

use crate::alone;
use crate::bed::Bed;
use crate::command::Ran;
use crate::folder::Folder;
use crate::istiod::Istiod;
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    alone!(beside_an_istiod_that_is_called_before),
    alone!(beside_an_istiod_that_is_called_after),
];

/// The name by which istiod's chart installs it, before `rollout-guard` in the alphabet.
fn beside_an_istiod_that_is_called_before(bed: &Bed) {
    beside(bed, "istiod-before", "istiod-default-validator");
}

fn beside_an_istiod_that_is_called_after(bed: &Bed) {
    beside(bed, "istiod-after", "zz-istiod-default-validator");
}

fn beside(bed: &Bed, namespace: &str, configuration: &str) {
    let world = World::new(bed, namespace);
    let _istiod = Istiod::start(bed, configuration);
    // What neither refuses: a release from its first step to its end, and its files applied again on the way.
    let folder = world.start_canary(&SUBSET_LEVEL);
    world.until_first_step(&SUBSET_LEVEL);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");

    let routes = "virtual-service.yaml";
    let refused = try_edit(&folder, routes, "name: primary", "name: main", "");
    by_rollout_guard(&refused, "RG202");
    let refused = try_edit(
        &folder,
        routes,
        "- name: primary",
        "- retries: {attempts: -1}\n    name: primary",
        "",
    );
    by_istiod(&refused, "attempts");

    // What both refuse.
    let mut first_to_answer = [0, 0];
    for attempt in 0..20 {
        let more = if attempt % 2 == 0 {
            ""
        } else {
            "--dry-run=server"
        };
        for (file, from, to, code, says) in BOTH {
            let refused = try_edit(&folder, file, from, to, more);
            if refused.stderr.contains(GUARD) {
                by_rollout_guard(&refused, code);
                first_to_answer[0] += 1;
            } else {
                by_istiod(&refused, says);
                first_to_answer[1] += 1;
            }
        }
    }
    let [guard, istiod] = first_to_answer;
    eprintln!("e2e: {configuration}: rollout-guard told {guard} refusals first, istiod {istiod}");

    world.argo("promote app07 --full").ok();
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
}

/// Applies a file with one change, which must be refused, and takes the change back.
fn try_edit(folder: &Folder, file: &str, from: &str, to: &str, more: &str) -> Ran {
    let good = folder.text(file);
    folder.edit(file, from, to);
    let refused = folder.kubectl(&format!("apply {more}"), file).fails();
    folder.write(file, &good);
    refused
}

fn by_rollout_guard(refused: &Ran, code: &str) {
    let stderr = &refused.stderr;
    let told = format!("{GUARD}{code}]");
    assert!(
        stderr.contains(&told) && !stderr.contains(ISTIOD),
        "{refused}"
    );
}

fn by_istiod(refused: &Ran, says: &str) {
    let stderr = &refused.stderr;
    assert!(
        stderr.contains(ISTIOD) && stderr.contains(says),
        "{refused}"
    );
    assert!(!stderr.contains(GUARD), "{refused}");
}

const GUARD: &str = "[rollout-guard ";
const ISTIOD: &str =
    "admission webhook \"validation.istio.io\" denied the request: configuration is invalid: ";

/// A file, what to change in it, and how each of the two refuses it.
const BOTH: [(&str, &str, &str, &str, &str); 2] = [
    (
        "destination-rule.yaml",
        "name: version-v1",
        "name: version-v2",
        "RG503",
        "duplicate subset names",
    ),
    (
        "virtual-service.yaml",
        "- name: primary",
        "- redirect: {uri: /}\n    name: primary",
        "RG508",
        "redirect",
    ),
];
