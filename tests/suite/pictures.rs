//! The pictures of docs/walk-through.md that need no cluster are what the commands print today.
//! `UPDATE=1 cargo test` makes them again; those of a cluster are made by tests/e2e/stories/pictures.rs.

use std::path::Path;
use std::process::Command;

use crate::expected;
use crate::screen::Screen;
use crate::tidy::{names, root};

/// A picture, and the commands in it.
const PICTURES: [(&str, &[&str]); 5] = [
    (
        "check",
        &["rollout-guard check --complete examples/host-level-broken"],
    ),
    ("explain", &["rollout-guard explain RG204 --no-pager"]),
    ("tree", &["rollout-guard tree examples/host-level-broken"]),
    (
        "simulate",
        &["rollout-guard simulate tests/setups/header-route"],
    ),
    (
        "fix",
        &[
            "rollout-guard fix examples/subset-level-broken --diff --suggest",
            "rollout-guard fix examples/subset-level-broken --diff --apply RG202",
        ],
    ),
];

#[test]
fn pictures_show_what_the_commands_print() {
    for (name, commands) in PICTURES {
        let screen = commands.iter().fold(Screen::default(), |screen, typed| {
            let words = typed.split(' ').skip(1);
            let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
            command.args(words).current_dir(root());
            screen.run(typed, command)
        });
        expected::file(&format!("docs/pictures/{name}.svg"), &screen.svg());
    }
}

#[test]
fn every_picture_is_shown() {
    let page = std::fs::read_to_string(root().join("docs/walk-through.md")).expect("the page");
    for name in names(&root().join("docs/pictures")) {
        let is_svg = Path::new(&name).extension().is_some_and(|end| end == "svg");
        assert!(
            is_svg && page.contains(&format!("](pictures/{name})")),
            "{name}"
        );
    }
}
