//! The selector of a Rollout is missing, invalid, or does not select the Rollout's own pods.
//!
//! ## What
//! The rule reports:
//!
//! - without `workloadRef`, a `spec.selector` that is missing or empty;
//! - a key or value in it that is not a valid Kubernetes label;
//! - an operator other than `In`, `NotIn`, `Exists` and `DoesNotExist`, `In` or `NotIn` without values, and `Exists`
//!   or `DoesNotExist` with values;
//! - pod labels that lack or contradict it. They are read from `spec.template`, or from the workload that
//!   `workloadRef` names if it is known.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutSpec`,
//! `ValidateLabelSelector`).
//!
//! ## Example
//! ```yaml
//! selector:
//!   matchLabels: {app: shop}
//! template:
//!   metadata:
//!     labels: {app: web}
//! ```
//!
//! ## Fix
//! Give the pod template every label that the selector requires. With `workloadRef`, leave the selector out: the
//! controller uses the workload's.

use super::parts::kubernetes_labels::{is_label_key, is_label_value};
use super::parts::pods::labels_path;
use crate::cluster::{Flow, reference};
use crate::field::Path;
use crate::model::{Expression, Labels, Selector};
use crate::verdict::{Cause, Finding, Findings, Message, message};

rule!(
    RG109,
    Error,
    Rollout(check),
    reads = [Deployment, ReplicaSet, PodTemplate]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let selector = flow.rollout.selector.as_ref();
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        if check_syntax(flow, selector, found) {
            check_pods(flow, selector, found);
        }
    } else if flow.rollout.workload_ref.is_none() {
        report_missing(flow, found);
    }
}

fn report_missing(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let path = Path::spec(["selector"]);
    let message = Message::missing(flow.key(), &path);
    found
        .error(flow.key(), path, message)
        .subject("selector")
        .help("set `matchLabels` to labels that the pod template has")
        .cause(Cause::Required);
}

/// Reports what is not a valid label selector; `true` if all of it is.
fn check_syntax(flow: &Flow<'_>, selector: &Selector, found: &mut Findings<'_>) -> bool {
    let mut is_valid = true;
    for (key, value) in &selector.match_labels {
        let path = Path::spec(["selector", "matchLabels"]).entry(key);
        let fault = key_fault(key, &path).or_else(|| value_fault(value, &path));
        is_valid &= report_syntax(flow, key, fault, found);
    }
    for (index, expression) in selector.expressions.iter().enumerate() {
        let path = Path::spec(["selector", "matchExpressions"]).index(index);
        let fault = expression_fault(expression, &path);
        is_valid &= report_syntax(flow, &expression.key, fault, found);
    }
    is_valid
}

/// Where a selector is not valid: the field, what it has, and why that is wrong.
struct SyntaxFault {
    path: Path,
    value: String,
    reason: &'static str,
}

/// Returns `true` if there is nothing to report.
fn report_syntax(
    flow: &Flow<'_>,
    key: &str,
    fault: Option<SyntaxFault>,
    found: &mut Findings<'_>,
) -> bool {
    let Some(SyntaxFault {
        path,
        value,
        reason,
    }) = fault
    else {
        return true;
    };
    let message = message!("{} has {value}", flow.key()).in_field(&path);
    found
        .error(flow.key(), path, message.text(reason))
        .subject(format!("label {key}"))
        .help(
            "write a valid selector: `matchLabels`, or `matchExpressions` with `In` and `NotIn` (with \
             values), `Exists` and `DoesNotExist` (without)",
        );
    false
}

fn expression_fault(expression: &Expression, path: &Path) -> Option<SyntaxFault> {
    let key = key_fault(&expression.key, &path.field("key"));
    let operator = key.or_else(|| operator_fault(expression, path.field("operator")));
    operator.or_else(|| {
        let path = path.field("values");
        let mut values = expression.values.iter();
        values.find_map(|value| value_fault(value, &path))
    })
}

fn key_fault(key: &str, path: &Path) -> Option<SyntaxFault> {
    (!is_label_key(key)).then(|| SyntaxFault {
        path: path.clone(),
        value: match key {
            "" => "an empty key".to_owned(),
            key => format!("key `{key}`"),
        },
        reason: ", which is not a valid label key",
    })
}

fn value_fault(value: &str, path: &Path) -> Option<SyntaxFault> {
    (!is_label_value(value)).then(|| SyntaxFault {
        path: path.clone(),
        value: format!("value `{value}`"),
        reason: ", which is not a valid label value",
    })
}

fn operator_fault(expression: &Expression, path: Path) -> Option<SyntaxFault> {
    let operator = expression.operator.as_str();
    let reason = match (operator, expression.values.is_empty()) {
        ("In" | "NotIn", true) => " without values",
        ("Exists" | "DoesNotExist", false) => " with values, which it does not accept",
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => return None,
        _ => ", which is not an operator of a selector",
    };
    Some(SyntaxFault {
        path,
        value: format!("operator `{operator}`"),
        reason,
    })
}

fn check_pods(flow: &Flow<'_>, selector: &Selector, found: &mut Findings<'_>) {
    let Some(labels) = flow.pod_labels() else {
        return;
    };
    for (key, value) in &selector.match_labels {
        if labels.get(key) != Some(value) {
            let path = Path::spec(["selector", "matchLabels"]).entry(key);
            report_mismatch(flow, path, key, &format!("`{key}={value}`"), labels, found);
        }
    }
    for (index, expression) in selector.expressions.iter().enumerate() {
        if !expression.matches(labels) {
            let path = Path::spec(["selector", "matchExpressions"]).index(index);
            let required = described(expression);
            report_mismatch(flow, path, &expression.key, &required, labels, found);
        }
    }
}

fn report_mismatch(
    flow: &Flow<'_>,
    path: Path,
    key: &str,
    required: &str,
    labels: &Labels,
    found: &mut Findings<'_>,
) {
    let workload = reference::workload(flow.rollout);
    let pods = match &workload {
        Some(workload) => format!("the pods of {workload}"),
        None => "its own pods".to_owned(),
    };
    let message = message!("{} selects {required}", flow.key())
        .in_field(&path)
        .text(match labels.get(key) {
            Some(value) => format!(", but {pods} have `{key}={value}`"),
            None => format!(", but {pods} have no label `{key}`"),
        });
    let finding: &mut Finding = found.error(flow.key(), path, message);
    finding
        .subject(format!("label {key}"))
        .help("make the selector and the labels of the pod template the same");
    if let Some(workload) = &workload {
        finding.with(workload, labels_path(workload.kind));
    }
}

/// `tier In (a, b)`, as a message names an expression.
fn described(expression: &Expression) -> String {
    let Expression {
        key,
        operator,
        values,
    } = expression;
    match values.as_slice() {
        [] => format!("`{key} {operator}`"),
        values => format!("`{key} {operator} ({})`", values.join(", ")),
    }
}
