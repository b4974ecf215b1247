//! A tree for programs. Its fields are an interface of the product.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::tree::node::Node;

#[derive(Serialize)]
struct Entry<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The field that the entry shows; absent for a whole object.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<&'a str>,
    facts: Map<String, Value>,
    findings: Vec<Finding<'a>>,
    children: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    rule: &'a str,
    severity: &'a str,
    field: String,
    message: String,
    help: &'a str,
}

pub(super) fn render(nodes: &[Node]) -> String {
    let entries: Vec<Entry<'_>> = nodes.iter().map(entry).collect();
    // Strings always serialise.
    let text = serde_json::to_string_pretty(&entries).unwrap_or_default();
    text + "\n"
}

fn entry(node: &Node) -> Entry<'_> {
    let key = node.place.as_ref().map(|place| &place.key);
    let field = node.place.as_ref().map(|place| place.path.to_string());
    let facts = node.facts.iter();
    let facts = facts.map(|fact| (fact.name.to_owned(), fact.text.clone().into()));
    let findings = node.findings.iter().map(|finding| Finding {
        code: finding.rule.code,
        rule: finding.rule.name,
        severity: finding.severity.as_str(),
        field: finding.path.to_string(),
        message: finding.message.to_string(),
        help: &finding.help,
    });
    Entry {
        title: &node.title,
        kind: key.map(|key| key.kind.as_str()),
        namespace: key.map(|key| &*key.namespace),
        name: key.map(|key| &*key.name),
        field: field.unwrap_or_default(),
        mark: node.mark.as_str(),
        facts: facts.collect(),
        findings: findings.collect(),
        children: node.children.iter().map(entry).collect(),
    }
}
