//! The values of the Helm chart: its README and its schema are those of values.yaml.

use std::collections::BTreeSet;

use rollout_guard::rules::CATALOGUE;
use rollout_guard::source::{Content, KeyNode, Node};
use serde_json::Value;

use crate::chart::{CHART, yaml};
use crate::expected;
use crate::tidy::{between, read};

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
    expected::file(&path, &page);
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
    expected::file(&path, &between(&read(&path), start, "]", &list));
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
