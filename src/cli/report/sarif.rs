//! SARIF 2.1.0, which code scanning of GitHub, Azure DevOps and editors read.

use serde_json::{Value, json};

use super::entry::{Entry, NO_RULES, entries};
use super::findings::Report;
use super::json::pretty;
use super::place::uri;
use crate::rules::{CATALOGUE, Level, Rule};

pub fn render(report: &Report<'_>) -> String {
    let rules: Vec<Value> = rules().collect();
    let results: Vec<Value> = entries(report)
        .iter()
        .map(|entry| result(entry, &rules))
        .collect();
    let notifications: Vec<Value> = notifications(report).collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "rollout-guard",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": !report.is_partial(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    }))
}

/// Every rule of the catalogue, and what no rule finds.
fn rules() -> impl Iterator<Item = Value> {
    let of_catalogue = CATALOGUE.iter().map(rule);
    let others = NO_RULES.iter().map(|(code, summary)| {
        json!({
            "id": code,
            "name": code,
            "shortDescription": {"text": summary},
            "defaultConfiguration": {"level": "warning"},
        })
    });
    of_catalogue.chain(others)
}

fn rule(rule: &Rule) -> Value {
    let level = match rule.level {
        Level::Error | Level::Both => "error",
        Level::Warning => "warning",
    };
    json!({
        "id": rule.id.code,
        "name": rule.id.name,
        "shortDescription": {"text": rule.summary()},
        "help": {"text": rule.documentation, "markdown": rule.documentation},
        "defaultConfiguration": {"level": level},
    })
}

fn result(entry: &Entry<'_>, rules: &[Value]) -> Value {
    let object = entry.object.to_string();
    let region = entry.lines().map(|span| {
        json!({
            "startLine": span.start.line.max(1),
            "startColumn": span.start.column.max(1),
            "endLine": span.end.line.max(span.start.line).max(1),
            "endColumn": span.end.column.max(1),
        })
    });
    let physical = entry.file.map(|file| {
        let artifact = json!({"uri": uri(&file.path)});
        present([("artifactLocation", Some(artifact)), ("region", region)])
    });
    let logical = json!([{
        "name": object,
        "fullyQualifiedName": format!("{object}: {}", entry.field),
        "kind": "object",
    }]);
    let location = present([
        ("physicalLocation", physical),
        ("logicalLocations", Some(logical)),
    ]);
    json!({
        "ruleId": entry.code,
        "ruleIndex": rules.iter().position(|rule| rule.get("id").is_some_and(|id| id == entry.code)),
        "level": entry.severity.as_str(),
        "message": {"text": format!("{}\n{}", entry.text(), entry.help)},
        "locations": [location],
        "partialFingerprints": {"rolloutGuard/v1": entry.fingerprint},
    })
}

/// An object of the fields that have a value.
fn present(fields: [(&str, Option<Value>); 2]) -> Value {
    let fields = fields.into_iter();
    let present = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect())
}

fn notifications(report: &Report<'_>) -> impl Iterator<Item = Value> {
    let errors = report.unreadable().iter();
    let errors =
        errors.map(|error| json!({"level": "error", "message": {"text": error.to_string()}}));
    let notes = report.notes.iter();
    errors.chain(notes.map(|note| json!({"level": "note", "message": {"text": note}})))
}
