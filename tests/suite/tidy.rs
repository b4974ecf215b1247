//! What the repository keeps true of itself: every rule has documentation and fixtures, and files are short.
//! `UPDATE=1 cargo test` rewrites what is generated.

use std::path::{Path, PathBuf};

use rollout_guard::cluster::BEHAVIOURS;
use rollout_guard::rules::CATALOGUE;

use crate::cli::{guard, stdout};
use crate::expected;
use crate::rules::fixtures;

#[test]
fn every_rule_has_its_folder_of_fixtures() {
    let mut rules: Vec<&str> = CATALOGUE.iter().map(|rule| rule.id.name).collect();
    rules.sort_unstable();
    assert_eq!(folders("tests/rules"), rules);
}

/// Codes of rules that no longer exist. They are never used again.
const RETIRED: [&str; 0] = [];

#[test]
fn codes_are_unique_ordered_and_never_reused() {
    let codes: Vec<&str> = CATALOGUE.iter().map(|rule| rule.id.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    assert!(codes.iter().all(|code| !RETIRED.contains(code)));
}

#[test]
fn every_rule_is_documented_and_shown_both_ways() {
    for rule in CATALOGUE {
        let docs = rule.documentation;
        for heading in ["## What", "## Why", "## Example", "## Fix"] {
            assert!(docs.contains(heading), "{}: no {heading}", rule.id);
        }
        assert!(rule.summary().ends_with('.'), "{}: no summary", rule.id);
        let cases: Vec<String> = fixtures(rule)
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let one = |verdict: &str| cases.iter().any(|case| case.starts_with(verdict));
        assert!(one("allow-"), "{}: no fixture that allows", rule.id);
        assert!(
            one("deny-") || one("warn-"),
            "{}: no fixture that speaks",
            rule.id
        );
    }
}

#[test]
fn the_rules_page_is_in_step() {
    let page = guard(&["explain", "--all", "--output", "markdown"]);
    expected::file("docs/rules.md", &stdout(&page));
}

#[test]
fn the_page_of_argo_versions_is_in_step() {
    let mut page = String::from(
        "# Argo Rollouts versions\n\nGenerated from `src/cluster/argo.rs` by `UPDATE=1 cargo test`. `argoVersion` in the settings \
         decides which column holds; a minor version stands for its newest release. \
         [compatibility](compatibility.md) says in which versions each was seen.\n\n\
         | behaviour | versions | what the controller does | what other versions do | source |\n|---|---|---|---|---|\n",
    );
    for (name, behaviour) in BEHAVIOURS {
        let since = behaviour.since;
        let versions = match behaviour.until {
            Some(until) => format!("from {since}, before {until}"),
            None => format!("from {since}"),
        };
        page += &format!(
            "| `{name}` | {versions} | {} | {} | {} |\n",
            behaviour.does, behaviour.otherwise, behaviour.source
        );
    }
    expected::file("docs/argo-versions.md", &page);
}

#[test]
fn files_are_short() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= 300, "{}: {lines} lines", path.display());
        let opening = text.starts_with("//!");
        assert!(opening, "{}: does not open with //!", path.display());
    }
}

pub fn between(text: &str, start: &str, end: &str, new: &str) -> String {
    let (head, rest) = text.split_once(start).expect("the generated part begins");
    let (_, tail) = rest.split_once(end).expect("the generated part ends");
    format!("{head}{start}{new}{end}{tail}")
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    let text = std::fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// The names of the folders in a folder, sorted.
pub fn folders(folder: &str) -> Vec<String> {
    let folder = root().join(folder);
    let mut names = names(&folder);
    names.retain(|name| folder.join(name).is_dir());
    names.sort();
    names
}

pub fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for name in names(&folder) {
            let path = folder.join(&name);
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
