//! The setups of `tests/setups`: one application, written in each way that people split its traffic. Every one is
//! without a finding, as it stands and once the controller has written into it.

use rollout_guard::source::{self, Limits, Node};
use serde_json::Value;

use crate::guarded::Guarded;
use crate::tidy::{folders, names, read, root};

#[test]
fn every_setup_is_without_a_finding() {
    let mut faults = Vec::new();
    for setup in setups() {
        let findings = Guarded::of(setup.objects).findings();
        faults.extend(
            findings
                .iter()
                .map(|it| format!("{}: {} {}", setup.name, it.rule, it.message)),
        );
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[derive(Clone)]
pub struct Setup {
    pub name: String,
    /// One line that says what it is.
    pub says: String,
    pub objects: Vec<Value>,
}

pub fn setups() -> Vec<Setup> {
    folders("tests/setups")
        .iter()
        .map(|name| setup(name))
        .collect()
}

pub fn setup(name: &str) -> Setup {
    let folder = format!("tests/setups/{name}");
    let mut files = names(&root().join(&folder));
    files.sort();
    let manifests = files.iter().filter(|file| *file != "README.md");
    let texts = manifests.map(|file| read(&format!("{folder}/{file}")));
    Setup {
        name: name.to_owned(),
        says: read(&format!("{folder}/README.md")).trim_end().to_owned(),
        objects: texts.flat_map(|text| documents(&text)).collect(),
    }
}

/// The documents of a YAML text.
pub fn documents(text: &str) -> Vec<Value> {
    let nodes = source::parse(text, Limits::default()).expect("YAML");
    nodes.iter().map(Node::to_value).collect()
}
