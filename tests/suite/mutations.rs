//! Every fixture of every mutation: a cluster, a write over it, the patch and the one warning line.

use std::path::{Path, PathBuf};

use rollout_guard::admit::mutate;
use rollout_guard::mutations::{MUTATIONS, Mutation};

use crate::fixture::Fixture;

#[test]
fn every_fixture_gets_its_patch() {
    let mut faults = Vec::new();
    for mutation in MUTATIONS {
        for path in fixtures(mutation) {
            let fixture = Fixture::read(&path);
            let said = said(&fixture, mutation);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, fixture.with_expect(&said)).expect("the fixture is written");
            } else if said != fixture.expect {
                faults.push(format!("{} says\n  {}", path.display(), said.join("\n  ")));
            }
            let speaks = !said.is_empty();
            let kept = fixture.verdict() != "none";
            if speaks != kept {
                faults.push(format!("{}: {} operations", path.display(), said.len()));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "\n{}\n(UPDATE=1 rewrites what they say)",
        faults.join("\n")
    );
}

/// The operations and notes of one mutation; the others of its kind run too, before or after it.
fn said(fixture: &Fixture, mutation: &Mutation) -> Vec<String> {
    let request = fixture.request();
    let mutated = mutate(&request, &fixture.cluster(), &fixture.settings);
    if !mutated.by.contains(&mutation.name) {
        return Vec::new();
    }
    let operations = mutated.patch.operations().iter();
    let operations = operations.map(|operation| {
        let value = serde_json::to_value(operation).expect("an operation");
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("op"), text("path"), value["value"])
    });
    let notes = mutated
        .patch
        .notes()
        .iter()
        .map(|note| format!("warning: {note}"));
    let observed = mutated.observed.then(|| "observed".to_owned());
    operations.chain(notes).chain(observed).collect()
}

fn fixtures(mutation: &Mutation) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutations");
    let folder = root.join(mutation.name);
    let entries = std::fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}
