//! `tree` as people and programs read it.

use std::collections::BTreeMap;
use std::process::Command;

use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::model::Object;
use rollout_guard::settings::Settings;
use rollout_guard::tree::{Details, Format, Selection, render, tree};
use serde_json::{Value, json};

use crate::expected;
use crate::tidy::root;

const IN_RELEASE: &str = "tests/recorded/incident-virtual-service/cluster.yaml";

#[test]
fn shows_flows_in_every_form() {
    let forms = ["text", "json", "mermaid", "dot", "svg", "html"];
    let shown = forms.map(|form| (form, guard(&["-f", IN_RELEASE, "-o", form])));
    let mut shown = BTreeMap::from(shown);
    let broken = ["-f", "examples/host-level-broken"];
    shown.insert("broken", guard(&broken));
    let refers = [&["dr/destrule-app07", "-f", IN_RELEASE][..]].concat();
    shown.insert("referrers", guard(&refers));
    expected::snapshots("tests/tree", &shown);
}

#[test]
fn ends_with_1_for_an_error_and_2_for_an_unknown_object() {
    let code = |arguments: &[&str]| run(arguments).status.code();
    assert_eq!(code(&["-f", IN_RELEASE]), Some(0));
    assert_eq!(code(&["-f", "examples/host-level-broken"]), Some(1));
    let output = run(&["rollout/app7", "-f", IN_RELEASE]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        text,
        "error: no object `rollout/app7`: did you mean `app07`?\n"
    );
}

#[test]
fn names_of_others_cannot_forge_markup_or_lines() {
    let name = "a\"><script>\n<b>&'`]\\";
    let mut cluster = Cluster::new(Mesh::default());
    let object = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"hosts": [name], "http": [{"name": name, "route": [{"destination": {"host": name}}]}]}});
    cluster.apply(Object::parse(&object, "").expect("an object"));
    let nodes = tree(
        &cluster,
        &Details::default(),
        &Selection::Namespace(None),
        &Settings::default(),
    );
    let shown = |form| render(&nodes, form);
    for markup in [Format::Svg, Format::Html] {
        let text = shown(markup);
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains("&'"), "{text}");
    }
    for lines in [Format::Text(None), Format::Mermaid, Format::Dot] {
        let text = shown(lines);
        let forged = text.lines().find(|line| line.starts_with("<b>"));
        assert_eq!(forged, None);
    }
    let parsed: Value = serde_json::from_str(&shown(Format::Json)).expect("JSON");
    assert_eq!(parsed[0]["name"], name);
}

/// Standard output without colours.
fn guard(arguments: &[&str]) -> String {
    String::from_utf8(run(arguments).stdout).expect("UTF-8")
}

fn run(arguments: &[&str]) -> std::process::Output {
    let mut guard = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
    let guard = guard.arg("tree").args(arguments).current_dir(root());
    guard.output().expect("it runs")
}
