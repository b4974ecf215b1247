//! Expected output, in two forms: snapshots by insta, which only the tests read, and files that others read
//! too (docs, the chart, recordings). `UPDATE=1 cargo test` writes both; without it a difference fails the test
//! and is printed as a diff. docs/decisions/snapshots.md says why there are two.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use similar::TextDiff;

use crate::tidy::{names, root};

/// Holds `<folder>/<name>.snap` to each text, and the folder to these snapshots and no others.
pub fn snapshots(folder: &str, texts: &BTreeMap<&str, String>) {
    for stale in stale(folder, texts) {
        assert!(is_update(), "{folder}/{stale}.snap belongs to nothing");
        std::fs::remove_file(root().join(folder).join(stale + ".snap")).expect("it is removed");
    }
    let differs = |(name, text): (&&str, &String)| {
        if is_update() {
            write(
                &format!("{folder}/{name}.snap"),
                &format!("{HEAD}{}\n", text.trim_end()),
            );
        }
        // The diff is printed by insta, one snapshot after the other.
        catch_unwind(|| compare(folder, name, text)).is_err()
    };
    let different = texts.iter().filter(|entry| differs(*entry)).count();
    assert!(
        different == 0,
        "{different} snapshots of {folder} differ\n{UPDATE}"
    );
}

/// Holds a file that is generated to its text.
pub fn file(path: &str, text: &str) {
    let stored = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    if stored != text && is_update() {
        write(path, text);
    } else if stored != text {
        let diff = TextDiff::from_lines(stored.as_str(), text);
        let mut diff = diff.unified_diff();
        panic!("{}\n{UPDATE}", diff.header(path, "generated"));
    }
}

fn compare(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The names of snapshots that no text is for.
fn stale(folder: &str, texts: &BTreeMap<&str, String>) -> Vec<String> {
    let names = names(&root().join(folder)).into_iter();
    let snapshots = names.filter_map(|name| name.strip_suffix(".snap").map(str::to_owned));
    snapshots
        .filter(|name| !texts.contains_key(name.as_str()))
        .collect()
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// In one step, because another test may be reading the file.
fn write(path: &str, text: &str) {
    let new = root().join(format!("{path}.written"));
    std::fs::write(&new, text).expect("the file is written");
    std::fs::rename(new, root().join(path)).expect("the file is replaced");
}

/// What insta writes above a snapshot.
const HEAD: &str = "---\nsource: tests/suite/expected.rs\n---\n";

const UPDATE: &str = "(`UPDATE=1 cargo test` writes what is expected; review it with `git diff`)";
