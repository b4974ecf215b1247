//! The content of a report: the findings on one object, as policy engines write them.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::api::reports::{
    Labels, Metadata, Properties, Report, ReportApi, ReportResult, SOURCE, Subject, Summary,
};
use crate::model::Key;
use crate::text::{printable, truncate_bytes};
use crate::verdict::{Finding, Severity};

/// A VirtualService may have a finding in each of thousands of routes, and etcd stores at most 1.5 MB. The API server writes
/// `<` in six bytes.
const MAX_RESULTS: usize = 100;
const MAX_MESSAGE_BYTES: usize = 1024;
const MAX_FIELD_BYTES: usize = 256;
/// The API server rejects a longer name.
const MAX_NAME_BYTES: usize = 253;

/// Namespace and name of the report about the object.
pub(super) fn path(object: &Key) -> String {
    let kind = object.kind.as_str().to_lowercase();
    let mut name = format!("rollout-guard-{kind}-{}", object.name);
    if name.len() > MAX_NAME_BYTES {
        let mut hasher = DefaultHasher::new();
        object.name.hash(&mut hasher);
        name = format!("rollout-guard-{kind}-{:x}", hasher.finish());
    }
    format!("{}/{name}", object.namespace)
}

/// The report at this path about the object, which goes with the object. It does not change while the findings do not.
pub(super) fn report<'a>(
    api: ReportApi,
    path: &'a str,
    object: &Subject<'a>,
    findings: &[&'a Finding],
) -> Report<'a> {
    let listed = findings.iter().take(MAX_RESULTS);
    let mut results: Vec<_> = listed.map(|finding| result(finding, object)).collect();
    let left_out = findings.len().saturating_sub(MAX_RESULTS);
    if left_out > 0 {
        results.push(rest(left_out, object));
    }
    let is_error = |finding: &&&Finding| finding.severity == Severity::Error;
    let errors = findings.iter().filter(is_error).count();
    let (namespace, name) = path.split_once('/').unwrap_or_default();
    let resource = api.resource();
    Report {
        api_version: resource.api_version,
        kind: resource.kind,
        metadata: Metadata {
            namespace,
            name,
            labels: Labels { managed_by: SOURCE },
            owner_references: [Subject {
                namespace: None,
                ..object.clone()
            }],
        },
        scope: object.clone(),
        summary: Summary {
            pass: 0,
            fail: errors,
            warn: findings.len().saturating_sub(errors),
            error: 0,
            skip: usize::from(left_out > 0),
        },
        results,
    }
}

/// An `error` of a policy engine is a policy that could not be evaluated.
fn result<'a>(finding: &'a Finding, object: &Subject<'a>) -> ReportResult<'a> {
    let is_error = finding.severity == Severity::Error;
    let (result, severity) = if is_error {
        ("fail", "high")
    } else {
        ("warn", "medium")
    };
    let message = format!("{}; {}", finding.message, finding.help);
    let field = cut(&finding.path.to_string(), MAX_FIELD_BYTES);
    ReportResult {
        source: SOURCE,
        policy: finding.rule.name,
        rule: finding.rule.code,
        category: category(finding.rule.code),
        severity,
        result,
        scored: is_error,
        message: cut(&message, MAX_MESSAGE_BYTES),
        properties: Properties { field },
        resources: [object.clone()],
    }
}

/// Says how many findings the report leaves out.
fn rest<'a>(count: usize, object: &Subject<'a>) -> ReportResult<'a> {
    ReportResult {
        source: SOURCE,
        policy: SOURCE,
        rule: "",
        category: "",
        severity: "info",
        result: "skip",
        scored: false,
        message: format!("{count} more findings; `rollout-guard check --cluster` prints all"),
        properties: Properties {
            field: String::new(),
        },
        resources: [object.clone()],
    }
}

fn cut(text: &str, max_bytes: usize) -> String {
    truncate_bytes(&printable(text), max_bytes).to_owned()
}

/// What the rules of one hundred of codes are about.
fn category(code: &str) -> &'static str {
    match code.as_bytes().get(2) {
        Some(b'1') => "Rollout",
        Some(b'2') => "Routes of a Rollout",
        Some(b'3') => "Subsets of a Rollout",
        Some(b'4') => "Services of a Rollout",
        Some(b'5') => "Istio",
        Some(b'6') => "Shared objects",
        _ => "Changes",
    }
}
