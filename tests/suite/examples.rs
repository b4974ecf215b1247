//! The examples: the four ways are without a finding, and each broken twin has just the mistakes that
//! its comments name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rollout_guard::cli;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::settings::Settings;

use crate::tidy::root;

#[test]
fn the_four_ways_are_whole_and_their_twins_are_broken_as_they_say() {
    let ways = ["plain-istio", "without-istio", "subset-level", "host-level"];
    for way in ways {
        let whole = root().join("examples").join(way);
        assert_eq!(codes(&whole), BTreeSet::new(), "{way}");
        let broken = root().join("examples").join(format!("{way}-broken"));
        let named = codes_in_comments(&broken);
        assert!(!named.is_empty(), "{way}: the twin names no rule");
        assert_eq!(codes(&broken), named, "{way}-broken");
    }
}

/// The rules that speak, by code.
fn codes(folder: &Path) -> BTreeSet<String> {
    let manifests = Manifests::read(&[PathBuf::from(folder)], "default").expect("manifests");
    let report = cli::check(&manifests, &Settings::default(), true);
    let findings = report.findings.iter();
    findings
        .map(|reported| reported.finding.rule.code.to_owned())
        .collect()
}

/// `RG` and three digits, in the comments of the folder's files.
fn codes_in_comments(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let texts = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        std::fs::read_to_string(path).expect("a file")
    });
    let mut codes = BTreeSet::new();
    for text in texts {
        for (at, _) in text.match_indices("RG") {
            let code: String = text[at..].chars().take(5).collect();
            if code[2..].chars().all(|c| c.is_ascii_digit()) && code.len() == 5 {
                codes.insert(code);
            }
        }
    }
    codes
}
