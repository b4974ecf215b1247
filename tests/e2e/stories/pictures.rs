//! The pictures of docs/walk-through.md that need a cluster: a denial, and a canary seen by `tree` and `simulate`.
//! With `UPDATE=1` the story makes them; without, it compares what they say with what is printed now.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::bed::{ADMIN, Bed};
use crate::release::SUBSET_LEVEL;
use crate::screen::Screen;
use crate::shared;
use crate::story::Story;
use crate::world::World;

/// The image does not hold `tree`.
const BINARY: &str = env!("CARGO_BIN_EXE_rollout-guard");

pub const STORIES: &[Story] = &[shared!(they_show_a_canary)];

fn they_show_a_canary(bed: &Bed) {
    let world = World::new(bed, "web");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let plugins = bed.layout.plugins();
    std::fs::create_dir_all(&plugins).expect("the state folder can be written");
    symlink(BINARY, plugins.join("rollout-guard")).expect("it is on the PATH");
    let typed = |line: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .env("PATH", bed.layout.path())
            .env("HOME", &bed.layout.state)
            .env("KUBECONFIG", bed.layout.kubeconfig(ADMIN, &world.namespace))
            .current_dir(folder.path(""));
        command
    };
    let show = |name: &str, line: &str, says: &str| {
        let screen = Screen::default().run(line, typed(line));
        let text = lines(&screen.svg()).join(" ");
        assert!(text.contains(says), "this should say `{says}`: {text}");
        hold(bed, name, &screen);
    };
    folder.edit("virtual-service.yaml", "- name: primary", "- name: main");
    show(
        "denial",
        "kubectl apply -f virtual-service.yaml",
        "is invalid: spec.http: Not found: Rollout web/app07",
    );
    show(
        "tree-canary",
        "rollout-guard tree rollout/app07",
        "weights canary 5 %, stable 95",
    );
    show(
        "simulate-canary",
        "kubectl get rollout,vs,dr,svc -o yaml | rollout-guard simulate -",
        "step 3 of 4: setWeight 50",
    );
}

/// Holds the picture to the screen. What differs in each run is compared by its kind alone.
fn hold(bed: &Bed, name: &str, screen: &Screen) {
    let path = bed.layout.root.join(format!("docs/pictures/{name}.svg"));
    let svg = screen.svg();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &svg).expect("the picture is written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let masked = |svg: &str| -> Vec<String> { lines(svg).iter().map(|line| mask(line)).collect() };
    assert_eq!(
        masked(&svg),
        masked(&stored),
        "{name}: UPDATE=1 makes it again"
    );
}

/// Without hashes, which depend on the version of the controller.
fn mask(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let hash = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_hash = (8..=10).contains(&hash.len())
            && hash.bytes().any(|byte| byte.is_ascii_digit())
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if is_hash {
            word.replace(hash, "HASH")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The lines of a picture, to compare them.
fn lines(svg: &str) -> Vec<String> {
    let lines = svg.lines().filter(|line| line.contains("<tspan x="));
    let text = |line: &str| {
        let mut is_tag = false;
        let shown = line.chars().filter(|c| {
            let was_tag = is_tag;
            is_tag = *c == '<' || was_tag && *c != '>';
            !is_tag && !was_tag
        });
        shown.collect::<String>().trim().to_owned()
    };
    lines.map(text).collect()
}
