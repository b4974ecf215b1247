//! What `check` writes for other programs, and what it makes of charts that the real Helm and kustomize render.

use std::path::Path;
use std::process::{Command, Output};

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::bed::Bed;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(sarif_is_valid),
    shared!(charts_and_overlays_are_judged),
];

fn sarif_is_valid(bed: &Bed) {
    let world = World::new(bed, "sarif");
    let schema = bed.layout.tool("sarif-schema.json");
    let schema = std::fs::read_to_string(schema).expect("tests/e2e/build writes it");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler
        .add_resource("sarif.json", schema)
        .expect("a schema");
    let schema = compiler
        .compile("sarif.json", &mut schemas)
        .expect("a schema");
    let broken = bed.layout.root.join("examples/subset-level-broken");
    let output = check(&world, &["-o", "sarif"], &broken);
    let sarif: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let valid = schemas.validate(&sarif, schema);
    assert!(valid.is_ok(), "{}", valid.unwrap_err());
    let wrong = serde_json::json!({"version": "2.1.0", "runs": [{"results": 1}]});
    assert!(schemas.validate(&wrong, schema).is_err());
}

fn charts_and_overlays_are_judged(bed: &Bed) {
    let world = World::new(bed, "rendered");
    let folder = bed.layout.logs.join(&world.namespace).join("chart");
    std::fs::create_dir_all(folder.join("templates")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    write("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    let mut kustomization = String::from("buildMetadata: [originAnnotations]\nresources:\n");
    let source = bed.layout.root.join("examples/subset-level-broken");
    for entry in std::fs::read_dir(source).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("templates/{}", entry.file_name().to_string_lossy());
        std::fs::copy(entry.path(), folder.join(&name)).expect("a copy");
        kustomization += &format!("- {name}\n");
    }
    write("kustomization.yaml", &kustomization);
    for option in ["--helm", "--kustomize"] {
        let told = check(&world, &[option], &folder);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("error[RG202]"), "{option}: {told}");
        assert!(
            told.contains("templates/rollout.yaml (rendered):"),
            "{option}: {told}"
        );
    }
    let rendered = world.helm("template shop").arg(&folder).ok();
    let pipe = folder.join("rendered.txt");
    std::fs::write(&pipe, rendered.stdout).expect("a file");
    let told = check(&world, &[], &pipe);
    assert!(String::from_utf8_lossy(&told.stdout).contains("error[RG202]"));
}

/// `check`, with the tools of the test bed on PATH; it must find errors.
fn check(world: &World, options: &[&str], path: &Path) -> Output {
    let mut folders = vec![world.bed.layout.tools.clone()];
    folders.extend(std::env::split_paths(&world.bed.layout.path()));
    let output = Command::new(world.bed.kubelet.binary())
        .arg("check")
        .args(options)
        .arg(path)
        .env("PATH", std::env::join_paths(folders).expect("paths"))
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    output
}
