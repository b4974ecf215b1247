//! What passed with which versions: `--versions` writes it to a file, from which docs/compatibility.md is generated.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::bed::Layout;
use crate::story::Story;

static PASSED: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());

/// Notes the end of a story.
pub fn note(story: Story, passed: bool) {
    let mut all = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(story.title(), passed);
}

/// Writes what was noted into the column of these versions. Other stories and other columns stay.
pub fn write(layout: &Layout) {
    let path = layout.root.join(FILE);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut columns: Map<String, Value> = serde_json::from_str(&text).expect("a JSON object");
    let versions = ["kubernetes", "argo-rollouts"].map(|of| layout.version(of));
    let name = versions.each_ref().map(|version| minor(version)).join(" ");
    let column = columns.entry(name).or_insert_with(|| json!({}));
    let [kubernetes, rollouts] = versions;
    column["kubernetes"] = json!(kubernetes);
    column["argo-rollouts"] = json!(rollouts);
    for (title, passed) in &*PASSED.lock().unwrap_or_else(PoisonError::into_inner) {
        column["stories"][title] = json!(if *passed { "passed" } else { "failed" });
    }
    let text = serde_json::to_string_pretty(&columns).expect("JSON");
    std::fs::write(path, text + "\n").expect("the file can be written");
}

/// `1.34` of `v1.34.5`.
fn minor(version: &str) -> String {
    let parts = version.trim_start_matches('v').split('.');
    parts.take(2).collect::<Vec<_>>().join(".")
}

const FILE: &str = "tests/e2e/versions/results.json";
