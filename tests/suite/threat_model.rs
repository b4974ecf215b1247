//! The tests that `docs/threat-model.md` names exist.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tidy::{read, root};

#[test]
fn each_test_that_the_threat_model_names_exists() {
    let page = read("docs/threat-model.md");
    let quoted = page.split('`').skip(1).step_by(2);
    let (paths, names): (Vec<&str>, Vec<&str>) = quoted
        .filter(|word| {
            word.starts_with("tests/") || word.starts_with("benches/") || is_function(word)
        })
        .partition(|word| word.contains('/'));
    assert!(names.len() > 50, "{names:?}");
    for path in paths {
        assert!(root().join(path).exists(), "{path}");
    }
    let mut functions = BTreeSet::new();
    for folder in ["src", "tests"] {
        collect(&root().join(folder), &mut functions);
    }
    let missing: Vec<&str> = names
        .into_iter()
        .filter(|name| !functions.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Three words at least: names of metrics have a prefix of their own.
fn is_function(word: &str) -> bool {
    let is_name = word
        .chars()
        .all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit());
    is_name && word.matches('_').count() >= 2 && !word.starts_with("rollout_guard")
}

/// The names of all functions below a folder.
fn collect(folder: &Path, functions: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file");
            let named = text.split("fn ").skip(1);
            let name = |rest: &str| rest.split(['(', '<']).next().map(str::to_owned);
            functions.extend(named.filter_map(name));
        }
    }
}
