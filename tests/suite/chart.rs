//! What the Helm chart keeps true without Helm: its kinds are the catalogue's. What it renders is tested in
//! `tests/e2e/chart`, where Helm is.

use std::collections::BTreeSet;

use rollout_guard::decide::{SYSTEM, kinds_read};
use rollout_guard::model::Kind;
use rollout_guard::mutations::MUTATIONS;
use rollout_guard::rules::CATALOGUE;
use rollout_guard::source::{self, Limits, Node};

use crate::expected;
use crate::tidy::{names, read, root};

/// Webhook rules and RBAC are rendered from this file, so they cannot differ from the catalogue.
#[test]
fn the_kinds_are_those_of_rules_and_mutations() {
    let judged: Vec<Kind> = guarded().collect();
    let mutated: BTreeSet<Kind> = MUTATIONS
        .iter()
        .flat_map(|mutation| mutation.kinds.iter().copied())
        .collect();
    let read = kinds_read();
    let mut page = String::from(
        "# Generated from the catalogue of rules and the list of mutations by `UPDATE=1 cargo test`.\n\n\
         # The kinds whose writes are judged.\njudged:\n",
    );
    page.extend(judged.iter().map(|kind| webhook_rule(*kind)));
    page += "\n# The kinds whose writes are put right.\nmutated:\n";
    page.extend(mutated.iter().map(|kind| webhook_rule(*kind)));
    page += "\n# The kinds that rules read.\nread:\n";
    page.extend(groups(&read).iter().map(|group| policy_rule(group, &read)));
    page += "\n# Who deletes for the system.\nsystemUsers:\n";
    page.extend(SYSTEM.map(|user| format!("  - {user}\n")));
    expected::file("charts/rollout-guard/files/kinds.yaml", &page);
}

#[test]
fn what_rules_apply_to_is_guarded() {
    for rule in CATALOGUE {
        assert!(rule.applies_to().all(Kind::is_guarded), "{}", rule.id);
    }
    let mutated = MUTATIONS
        .iter()
        .flat_map(|mutation| mutation.kinds.iter().copied());
    assert!(mutated.into_iter().all(Kind::is_guarded));
}

/// A kind that a template names would not follow the catalogue.
#[test]
fn templates_name_no_kind_that_is_guarded_or_read() {
    let templates = [
        "_webhooks.tpl",
        "cluster-role.yaml",
        "mutating-webhook-configuration.yaml",
        "validating-webhook-configuration.yaml",
    ];
    for template in templates {
        let text = read(&format!("{CHART}/templates/{template}"));
        let part = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let words: BTreeSet<&str> = text.split(|c| !part(c)).collect();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Service) {
            let resource = kind.plural();
            assert!(!words.contains(resource), "{template} names {resource}");
        }
    }
}

#[test]
fn each_object_has_a_file_of_its_own() {
    for template in names(&root().join(CHART).join("templates")) {
        let text = read(&format!("{CHART}/templates/{template}"));
        let objects = text.lines().filter(|line| line.starts_with("kind: "));
        let expected = usize::from(template.rsplit('.').next() == Some("yaml"));
        assert_eq!(objects.count(), expected, "{template}");
    }
}

#[test]
fn the_chart_has_the_version_of_the_binary() {
    let chart = yaml("Chart.yaml");
    let version = chart.get("appVersion").and_then(Node::as_str);
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
    let kubernetes = chart.get("kubeVersion").and_then(Node::as_str);
    assert_eq!(kubernetes, Some(">=1.30.0-0"));
}

fn guarded() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.is_guarded())
}

fn groups(kinds: &BTreeSet<Kind>) -> Vec<&'static str> {
    let mut groups: Vec<_> = kinds.iter().map(|kind| kind.group()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn webhook_rule(kind: Kind) -> String {
    let versions = kind.versions().join(", ");
    let (group, resource) = (kind.group(), kind.plural());
    format!("  - group: \"{group}\"\n    versions: [{versions}]\n    resource: {resource}\n")
}

fn policy_rule(group: &str, kinds: &BTreeSet<Kind>) -> String {
    let of_group = kinds.iter().filter(|kind| kind.group() == group);
    let mut resources: Vec<&str> = of_group.map(|kind| kind.plural()).collect();
    resources.dedup();
    let resources = resources.join(", ");
    format!("  - group: \"{group}\"\n    resources: [{resources}]\n")
}

pub fn yaml(path: &str) -> Node {
    let text = read(&format!("{CHART}/{path}"));
    let mut documents = source::parse(&text, Limits::default()).expect("YAML");
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

pub const CHART: &str = "charts/rollout-guard";
