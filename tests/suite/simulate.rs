//! `simulate` as people read it.

use std::collections::BTreeMap;
use std::process::{Command, Output};

use crate::expected;
use crate::tidy::root;

#[test]
fn plays_releases() {
    let folders = [
        ("subset-level", "examples/subset-level"),
        ("host-level", "examples/host-level"),
        ("header-route", "tests/e2e/manifests/header-route"),
        ("early-header-route", "tests/simulate/early-header-route"),
        ("foreign-labels", "tests/simulate/foreign-labels"),
        ("mirror", "tests/simulate/mirror"),
    ];
    let shown = folders.map(|(name, folder)| (name, text(&[folder])));
    expected::snapshots("tests/simulate", &BTreeMap::from(shown));
}

#[test]
fn asks_which_rollout_and_takes_headers() {
    let both = run(&["examples/subset-level", "examples/host-level"]);
    assert_eq!(both.status.code(), Some(2));
    let error = String::from_utf8(both.stderr).expect("UTF-8");
    assert!(error.contains("which Rollout? pass `--rollout`"), "{error}");
    let one = text(&[
        "examples/subset-level",
        "examples/host-level",
        "-r",
        "shop/shop",
    ]);
    assert!(one.contains("VirtualService shop/shop"), "{one}");
    let folder = "tests/e2e/manifests/header-route";
    let shown = text(&[folder, "-H", "X-Tester: no"]);
    assert!(shown.contains("GET / with x-tester: no"), "{shown}");
}

fn text(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn run(arguments: &[&str]) -> Output {
    let mut guard = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    let guard = guard.arg("simulate").args(arguments).current_dir(root());
    guard.output().expect("it runs")
}
