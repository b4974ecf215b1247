//! What the Helm chart keeps true without Helm: its kinds are the catalogue's, its README and its schema
//! are those of its values. What it renders is tested in `tests/e2e/chart.rs`, where Helm is.

use std::collections::BTreeSet;

use rollout_guard::admit::SYSTEM;
use rollout_guard::model::Kind;
use rollout_guard::mutations::MUTATIONS;
use rollout_guard::rules::{CATALOGUE, Check, Rule};
use rollout_guard::source::{self, Content, KeyNode, Limits, Node};
use serde_json::Value;

use crate::tidy::{between, keep, names, read, root};

/// Webhook rules and RBAC are rendered from this file, so they cannot differ from the catalogue.
#[test]
fn the_kinds_are_those_of_rules_and_mutations() {
    let judged: Vec<Kind> = guarded().collect();
    let mutated: BTreeSet<Kind> = MUTATIONS.iter().map(|mutation| mutation.kind).collect();
    let read: BTreeSet<Kind> = CATALOGUE.iter().flat_map(kinds).collect();
    // Whether a namespace is guarded at all stands in its labels.
    let read = read.into_iter().chain([Kind::Namespace]).collect();
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
    keep("charts/rollout-guard/files/kinds.yaml", &page);
}

#[test]
fn what_rules_apply_to_is_guarded() {
    for rule in CATALOGUE {
        let applies = applies_to(rule);
        assert!(applies.iter().all(|kind| kind.is_guarded()), "{}", rule.id);
    }
    let mutated = MUTATIONS.iter().map(|mutation| mutation.kind);
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
            let resource = resource(kind);
            let named = words.contains(resource.as_str());
            assert!(!named, "{template} names {resource}");
        }
    }
}

#[test]
fn each_object_has_a_file_of_its_own() {
    for template in names(&root().join(CHART).join("templates")) {
        let text = read(&format!("{CHART}/templates/{template}"));
        let objects = text.lines().filter(|line| line.starts_with("kind: "));
        let expected = usize::from(template.ends_with(".yaml"));
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

#[test]
fn the_readme_of_values_is_in_step() {
    let mut table = String::new();
    for value in values() {
        assert!(
            !value.comment.is_empty() || value.is_section,
            "{} is not documented",
            value.path
        );
        let (path, comment) = (&value.path, value.comment.replace('|', "\\|"));
        if !value.is_section {
            table += &format!("| `{path}` | `{}` | {comment} |\n", value.default);
        } else if !comment.is_empty() {
            table += &format!("| **`{path}`** | | {comment} |\n");
        }
    }
    let path = format!("{CHART}/README.md");
    let page = between(
        &read(&path),
        "|---|---|---|\n",
        "<!-- end of the values",
        &table,
    );
    keep(&path, &page);
}

#[test]
fn the_schema_has_every_value_and_no_other() {
    let schema = schema();
    let known: BTreeSet<String> = values().into_iter().map(|value| value.path).collect();
    let sections = values().into_iter().filter(|value| value.is_section);
    for section in sections.map(|value| value.path).chain([String::new()]) {
        let described = described(&schema, &section);
        for name in described.as_object().expect("properties").keys() {
            let path = join(&section, name);
            let of_helm = ["enabled", "global"].contains(&path.as_str());
            assert!(of_helm || known.contains(&path), "{path} is no value");
        }
    }
    for path in &known {
        let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
        let found = described(&schema, section).get(name).is_some();
        assert!(found, "values.schema.json lacks {path}");
    }
}

#[test]
fn the_schema_refuses_unknown_keys_everywhere() {
    let mut open = Vec::new();
    collect_open(&schema(), "", &mut open);
    // What Kubernetes and Helm define, and no chart should repeat.
    let theirs = [
        "global",
        "claims",
        "nodeAffinity",
        "podAffinity",
        "podAntiAffinity",
        "valueFrom",
        "extraVolumes",
        "extraVolumeMounts",
    ];
    for path in open {
        let known = path.split('/').any(|segment| theirs.contains(&segment));
        assert!(known, "{path} takes any key");
    }
}

#[test]
fn the_schema_knows_every_rule() {
    let path = format!("{CHART}/values.schema.json");
    let ids = CATALOGUE
        .iter()
        .map(|rule| format!("{:?}, {:?}", rule.id.code, rule.id.name));
    let list: Vec<String> = ids.map(|line| format!("\n          {line}")).collect();
    let list = list.join(",") + "\n        ";
    let start = "\"propertyNames\": {\n        \"enum\": [";
    keep(&path, &between(&read(&path), start, "]", &list));
}

#[test]
fn one_scenario_sets_every_value() {
    let everything = yaml("ci/everything-values.yaml");
    for value in values().into_iter().filter(|value| !value.is_section) {
        let other_mode = ["certificates.certManager.", "certificates.secret."];
        if other_mode.iter().any(|mode| value.path.starts_with(mode)) {
            continue;
        }
        let mut segments = value.path.split('.');
        let set = segments.try_fold(&everything, |node, segment| node.get(segment));
        assert!(
            set.is_some(),
            "ci/everything-values.yaml lacks {}",
            value.path
        );
    }
}

/// The kinds of a rule: what it applies to and what it reads besides.
fn kinds(rule: &Rule) -> Vec<Kind> {
    let mut kinds = applies_to(rule);
    kinds.extend(rule.reads);
    kinds
}

fn applies_to(rule: &Rule) -> Vec<Kind> {
    match rule.check {
        Check::Rollout(_) => vec![Kind::Rollout],
        Check::VirtualService(_) => vec![Kind::VirtualService],
        Check::DestinationRule(_) => vec![Kind::DestinationRule],
        Check::Any(_) | Check::Write(_) => guarded().collect(),
    }
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
    let versions = match kind.group() {
        "argoproj.io" => "v1alpha1",
        "networking.istio.io" => "v1, v1beta1, v1alpha3",
        _ => "v1",
    };
    let (group, resource) = (kind.group(), resource(kind));
    format!("  - group: \"{group}\"\n    versions: [{versions}]\n    resource: {resource}\n")
}

fn policy_rule(group: &str, kinds: &BTreeSet<Kind>) -> String {
    let of_group = kinds.iter().filter(|kind| kind.group() == group);
    let resources: Vec<String> = of_group.map(|kind| resource(*kind)).collect();
    let resources = resources.join(", ");
    format!("  - group: \"{group}\"\n    resources: [{resources}]\n")
}

/// The plural by which the API server names the kind.
fn resource(kind: Kind) -> String {
    let name = kind.as_str().to_lowercase();
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ => format!("{name}s"),
    }
}

/// One key of values.yaml.
struct ChartValue {
    /// `image.repository`
    path: String,
    /// The comment that stands above it, on one line.
    comment: String,
    /// In JSON, on one line.
    default: Value,
    /// Its keys are documented one by one.
    is_section: bool,
}

/// All keys that values.yaml documents, in its order.
fn values() -> Vec<ChartValue> {
    let text = read(&format!("{CHART}/values.yaml"));
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    collect(&yaml("values.yaml"), "", &lines, &mut found);
    found
}

fn collect(node: &Node, within: &str, lines: &[&str], found: &mut Vec<ChartValue>) {
    for (key, value) in entries(node) {
        let path = join(within, &key.text);
        let is_section = entries(value).iter().any(|(key, value)| {
            let below = entries(value)
                .iter()
                .any(|(key, _)| !comment(key, lines).is_empty());
            below || !comment(key, lines).is_empty()
        });
        found.push(ChartValue {
            path: path.clone(),
            comment: comment(key, lines),
            default: value.to_value(),
            is_section,
        });
        if is_section {
            collect(value, &path, lines, found);
        }
    }
}

/// The comment lines right above a key, as deep as it stands.
fn comment(key: &KeyNode, lines: &[&str]) -> String {
    let start = format!("{}# ", " ".repeat(key.span.start.column - 1));
    let above = lines[..key.span.start.line - 1].iter().rev();
    let mut above: Vec<&str> = above.map_while(|line| line.strip_prefix(&start)).collect();
    above.reverse();
    above.join(" ")
}

fn entries(node: &Node) -> &[(KeyNode, Node)] {
    match &node.content {
        Content::Mapping(entries) => entries,
        _ => &[],
    }
}

fn join(within: &str, name: &str) -> String {
    if within.is_empty() {
        name.to_owned()
    } else {
        format!("{within}.{name}")
    }
}

fn yaml(path: &str) -> Node {
    let text = read(&format!("{CHART}/{path}"));
    let mut documents = source::parse(&text, Limits::default()).expect("YAML");
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

fn schema() -> Value {
    serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).expect("JSON")
}

/// The `properties` that the schema gives the section of a path.
fn described<'a>(schema: &'a Value, section: &str) -> &'a Value {
    let segments = section.split('.').filter(|segment| !segment.is_empty());
    let found = segments.fold(schema, |node, segment| {
        &referred(schema, node)["properties"][segment]
    });
    &referred(schema, found)["properties"]
}

fn referred<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(reference) => schema
            .pointer(reference.trim_start_matches('#'))
            .expect(reference),
        None => node,
    }
}

/// The places that take objects with any key.
fn collect_open(node: &Value, path: &str, open: &mut Vec<String>) {
    if let Some(fields) = node.as_object() {
        let closed = fields
            .get("additionalProperties")
            .is_some_and(|more| !more.is_boolean() || more == false);
        if fields.get("type").is_some_and(|kind| kind == "object") && !closed {
            open.push(path.to_owned());
        }
        for (name, below) in fields {
            collect_open(below, &format!("{path}/{name}"), open);
        }
    }
    for below in node.as_array().into_iter().flatten() {
        collect_open(below, path, open);
    }
}

const CHART: &str = "charts/rollout-guard";
