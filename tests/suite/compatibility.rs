//! `docs/compatibility.md`: with which versions of Kubernetes and Argo Rollouts the end-to-end stories passed.

use std::collections::{BTreeMap, BTreeSet};

use rollout_guard::cluster::{ArgoVersion, BEHAVIOURS};
use serde::Deserialize;

use crate::expected;
use crate::tidy::{folders, read};

/// What `tests/e2e/run --versions` wrote for one pair of versions.
#[derive(Deserialize)]
struct Column {
    kubernetes: String,
    #[serde(rename = "argo-rollouts")]
    rollouts: String,
    stories: BTreeMap<String, String>,
}

impl Column {
    fn argo(&self) -> ArgoVersion {
        ArgoVersion::parse(&self.rollouts).expect("a version")
    }

    /// How a story ended: a behaviour that was seen, or not seen, as the table says.
    fn cell(&self, title: &str) -> &'static str {
        let does = BEHAVIOURS
            .iter()
            .find(|(name, _)| title.strip_prefix(BEHAVIOUR) == Some(*name))
            .map(|(_, behaviour)| {
                let (version, until) = (self.argo(), behaviour.until);
                version >= behaviour.since && until.is_none_or(|until| version < until)
            });
        match (self.stories.get(title).map(String::as_str), does) {
            (Some("passed"), None) => "passed",
            (Some("passed"), Some(true)) => "does",
            (Some("passed"), Some(false)) => "does not",
            (Some(_), _) => "**failed**",
            (None, _) => "not run",
        }
    }
}

#[test]
fn the_compatibility_page_is_in_step() {
    let columns: Vec<Column> = columns().into_values().collect();
    // Today's, with which each other version ran.
    let common = |of: fn(&Column) -> &String| {
        let times = |version: &&String| {
            columns
                .iter()
                .filter(|column| of(column) == *version)
                .count()
        };
        columns.iter().map(of).max_by_key(times).expect("a column")
    };
    let (kubernetes, rollouts) = (
        common(|column| &column.kubernetes),
        common(|column| &column.rollouts),
    );
    let mut page = INTRODUCTION.to_owned();
    let of_kubernetes = columns
        .iter()
        .filter(|column| column.rollouts == *rollouts)
        .collect();
    page += &format!(
        "\n## Kubernetes\n\nWith Argo Rollouts {}.\n\n",
        plain(rollouts)
    );
    page += &table(
        of_kubernetes,
        |column| &column.kubernetes,
        |title| !title.starts_with(BEHAVIOUR),
    );
    let of_rollouts = columns
        .iter()
        .filter(|column| column.kubernetes == *kubernetes)
        .collect();
    page += &format!(
        "\n## Argo Rollouts\n\nWith Kubernetes {}.\n\n",
        plain(kubernetes)
    );
    page += &table(of_rollouts, |column| &column.rollouts, |_| true);
    page += NOTES;
    expected::file("docs/compatibility.md", &page);
}

/// Every version that can be built has a column, with a story for each behaviour of the controller.
#[test]
fn each_version_and_each_behaviour_was_run() {
    let columns = columns();
    let mut missing = Vec::new();
    for folder in folders("tests/e2e/versions") {
        let version = folder.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let has = |name: &String| {
            if folder.starts_with("kubernetes") {
                name.starts_with(&format!("{version} "))
            } else {
                name.ends_with(&format!(" {version}"))
            }
        };
        if !columns.keys().any(has) {
            missing.push(folder);
        }
    }
    let stories: BTreeSet<&String> = columns
        .values()
        .flat_map(|column| column.stories.keys())
        .collect();
    for (name, column) in &columns {
        let behaviours = BEHAVIOURS
            .iter()
            .map(|(behaviour, _)| format!("{BEHAVIOUR}{behaviour}"));
        let all = behaviours.chain(stories.iter().map(|title| (*title).clone()));
        let absent = all.filter(|title| !column.stories.contains_key(title));
        missing.extend(absent.map(|title| format!("{name}: {title}")));
    }
    assert!(missing.is_empty(), "not run: {missing:#?}");
}

fn columns() -> BTreeMap<String, Column> {
    serde_json::from_str(&read("tests/e2e/versions/results.json")).expect("the results")
}

fn table(
    mut columns: Vec<&Column>,
    version: fn(&Column) -> &String,
    shown: fn(&str) -> bool,
) -> String {
    columns.sort_by_key(|column| ArgoVersion::parse(version(column)));
    let titles: BTreeSet<&String> = columns
        .iter()
        .flat_map(|column| column.stories.keys())
        .collect();
    let heads = columns.iter().map(|column| plain(version(column)));
    let mut table = format!("| | {} |\n|---|", heads.collect::<Vec<_>>().join(" | "));
    table += &"---|".repeat(columns.len());
    table.push('\n');
    for title in titles.into_iter().filter(|title| shown(title)) {
        let cells = columns.iter().map(|column| column.cell(title));
        let cells = cells.collect::<Vec<_>>().join(" | ");
        table += &format!("| {} | {cells} |\n", row(title));
    }
    table
}

/// `guarded: deleting a route during a canary is denied`; a behaviour has its name.
fn row(title: &str) -> String {
    match title.strip_prefix(BEHAVIOUR) {
        Some(behaviour) => format!("`{behaviour}`"),
        None => title.replace("::", ": ").replace('_', " "),
    }
}

fn plain(version: &str) -> &str {
    version.trim_start_matches('v')
}

const BEHAVIOUR: &str = "argo_versions::";

const INTRODUCTION: &str = "\
# Versions of Kubernetes and Argo Rollouts

Generated by `UPDATE=1 cargo test` from `tests/e2e/versions/results.json`, which `tests/e2e/run --versions all` writes: the
stories that passed on real control planes of these versions, built from their Go modules, with the chart as Helm installs
it. CI runs one column of each table, today's.
";

const NOTES: &str = "
## How to read it

- **does**, **does not**: a behaviour of the controller ([argo-versions](argo-versions.md)) as the table there says, seen on this
  controller; where rollout-guard judges by it, it judged so with this `argoVersion`.
- kubectl, its plugin for Rollouts, Helm and etcd are today's in all columns; the controller's CRDs and RBAC are its own.
- Argo Rollouts 1.9.2 can lose a promotion that follows the pause within milliseconds: it writes its own copy of the Rollout over
  the newer one in its cache (`writeBackToInformer`). A story that failed there for this ran again.
- Each version is the newest patch release that could be built. Argo Rollouts 1.9.3 and 1.10.2 need Go 1.26.10, and Go here is
  1.26.8. The module proxy had neither `k8s.io/endpointslice` 0.32.13 (Kubernetes 1.32.13 is built with 0.32.12) nor a
  `k8s.io/kube-scheduler` 0.34.5 that the checksum database verifies (1.34.5 is built with the modules of 0.34.4).
";
