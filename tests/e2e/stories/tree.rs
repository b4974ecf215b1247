//! `tree` beside a release: installed as a plugin of `kubectl`, once and while it watches.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bed::{ADMIN, Bed};
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

/// The image does not hold `tree`.
const BINARY: &str = env!("CARGO_BIN_EXE_rollout-guard");

pub const STORIES: &[Story] = &[shared!(it_shows_a_canary_and_follows_it)];

fn it_shows_a_canary_and_follows_it(bed: &Bed) {
    let world = World::new(bed, "tree");
    let plugins = bed.layout.plugins();
    std::fs::create_dir_all(&plugins).expect("the state folder can be written");
    let plugin = plugins.join("kubectl-rollout_guard");
    symlink(BINARY, &plugin).expect("the plugin is installed");

    world.start_canary(&SUBSET_LEVEL);
    let shown = world.kubectl("rollout-guard tree").ok();
    shown
        .says("Rollout tree/app07  Paused")
        .says("weights canary 5 %, stable 95 %")
        .says("app07, subset version-v2  5 % · canary")
        .says("of http: ")
        .says("rollouts-controller")
        .says("pods ready");
    let json = world.kubectl("rollout-guard tree ro/app07 -o json").ok();
    let trees: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(trees[0]["facts"]["phase"], "Paused", "{trees:#}");
    world
        .kubectl("rollout-guard tree dr/destrule-app07")
        .ok()
        .says("← Rollout tree/app07")
        .says("← VirtualService tree/virtservice-app07");
    follows(&world);
}

/// A watch draws the weights that a promotion brings.
fn follows(world: &World) {
    let kubeconfig = world.bed.layout.kubeconfig(ADMIN, &world.namespace);
    let mut watch = Command::new(BINARY)
        .args(["tree", "--watch", "--kubeconfig"])
        .arg(kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = BufReader::new(watch.stdout.take().expect("a pipe"));
    let mut lines = output.lines().map_while(Result::ok);
    let before = lines.find(|line| line.contains("canary 5 %"));
    assert!(before.is_some(), "it draws the canary");
    world.promote(&SUBSET_LEVEL);
    let after = lines.find(|line| line.contains("canary 50 %"));
    watch.kill().expect("it runs");
    watch.wait().expect("it ends");
    assert!(after.is_some(), "it draws the next step");
}
