//! A Rollout's selector does not select its own pods, or is none that Kubernetes takes.
//!
//! ## What
//! Without `workloadRef`, `spec.selector` is absent or empty. A key or value in it is no Kubernetes label,
//! an operator is none of `In`, `NotIn`, `Exists`, `DoesNotExist`, `In` or `NotIn` has no values, `Exists`
//! or `DoesNotExist` has some. The pod labels, from `spec.template` or from the workload that
//! `workloadRef` names where it is known, lack or contradict it.
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
//! Give the pod template every label that the selector asks for. With `workloadRef`, leave the selector
//! out: the controller takes the workload's.

use super::parts::fault::Fault;
use super::parts::label_syntax::{is_label_key, is_label_value};
use crate::cluster::{Flow, reference};
use crate::field::Path;
use crate::model::{Expression, Key, Kind, Labels, Selector};
use crate::verdict::{Cause, Findings};

rule!(
    RG109,
    Error,
    Rollout(check),
    reads = [Deployment, ReplicaSet, PodTemplate]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let own = flow.rollout.workload_ref.is_none();
    let selector = flow.rollout.selector.as_ref();
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
        if own {
            refuse_empty(flow, found);
        }
        return;
    };
    let mut faults = syntax_faults(selector).peekable();
    if faults.peek().is_some() {
        for fault in faults {
            fault.report(flow, found);
        }
    } else if let Some(labels) = flow.pod_labels() {
        let workload = reference::workload(flow.rollout);
        for fault in mismatches(selector, labels, workload.as_ref()) {
            let finding = fault.report(flow, found);
            if let Some(workload) = &workload {
                finding.with(workload, template_labels(workload.kind));
            }
        }
    }
}

fn refuse_empty(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let fault = Fault {
        path: Path::spec(["selector"]),
        subject: "selector".to_owned(),
        what: "selects no pods".to_owned(),
        why: ", which is absent or empty".to_owned(),
        help: "set `matchLabels` to labels that the pod template has".to_owned(),
    };
    fault.report(flow, found).cause(Cause::Required);
}

fn syntax_faults(selector: &Selector) -> impl Iterator<Item = Fault> {
    let labels = selector.match_labels.iter().filter_map(|(key, value)| {
        let path = Path::spec(["selector", "matchLabels"]).entry(key);
        key_fault(key, &path).or_else(|| value_fault(key, value, &path))
    });
    let expressions = selector.expressions.iter().enumerate();
    let expressions = expressions.filter_map(|(index, expression)| {
        let path = Path::spec(["selector", "matchExpressions"]).index(index);
        let key = key_fault(&expression.key, &path.field("key"));
        let operator = key.or_else(|| operator_fault(expression, &path));
        operator.or_else(|| {
            let path = path.field("values");
            let mut values = expression.values.iter();
            values.find_map(|value| value_fault(&expression.key, value, &path))
        })
    });
    labels.chain(expressions)
}

fn key_fault(key: &str, path: &Path) -> Option<Fault> {
    let what = match key {
        "" => "has an empty key".to_owned(),
        key => format!("has key `{key}`"),
    };
    (!is_label_key(key)).then(|| syntax_fault(path.clone(), key, what, ", which is no label key"))
}

fn value_fault(key: &str, value: &str, path: &Path) -> Option<Fault> {
    let what = format!("has value `{value}`");
    let why = ", which is no label value";
    (!is_label_value(value)).then(|| syntax_fault(path.clone(), key, what, why))
}

fn operator_fault(expression: &Expression, path: &Path) -> Option<Fault> {
    let operator = expression.operator.as_str();
    let why = match (operator, expression.values.is_empty()) {
        ("In" | "NotIn", true) => " without values",
        ("Exists" | "DoesNotExist", false) => " beside values, which it does not take",
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => return None,
        _ => ", which is no operator of a selector",
    };
    let what = format!("has operator `{operator}`");
    let path = path.field("operator");
    Some(syntax_fault(path, &expression.key, what, why))
}

fn syntax_fault(path: Path, key: &str, what: String, why: &str) -> Fault {
    Fault {
        path,
        subject: format!("label {key}"),
        what,
        why: why.to_owned(),
        help: "write a selector that Kubernetes takes: `matchLabels`, or `matchExpressions` with `In` \
               and `NotIn` (with values), `Exists` and `DoesNotExist` (without)"
            .to_owned(),
    }
}

fn mismatches(selector: &Selector, labels: &Labels, workload: Option<&Key>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (key, value) in &selector.match_labels {
        if labels.get(key) != Some(value) {
            let path = Path::spec(["selector", "matchLabels"]).entry(key);
            let wanted = format!("`{key}={value}`");
            faults.push(mismatch(path, key, &wanted, labels, workload));
        }
    }
    for (index, expression) in selector.expressions.iter().enumerate() {
        if !expression.matches(labels) {
            let path = Path::spec(["selector", "matchExpressions"]).index(index);
            let wanted = described(expression);
            faults.push(mismatch(path, &expression.key, &wanted, labels, workload));
        }
    }
    faults
}

fn mismatch(path: Path, key: &str, wanted: &str, labels: &Labels, workload: Option<&Key>) -> Fault {
    let pods = match workload {
        Some(workload) => format!("the pods of {workload}"),
        None => "its own pods".to_owned(),
    };
    Fault {
        path,
        subject: format!("label {key}"),
        what: format!("selects {wanted}"),
        why: match labels.get(key) {
            Some(value) => format!(", but {pods} have `{key}={value}`"),
            None => format!(", but {pods} have no label `{key}`"),
        },
        help: "make the selector and the labels of the pod template the same".to_owned(),
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

fn template_labels(kind: Kind) -> Path {
    match kind {
        Kind::PodTemplate => Path::of(["template", "metadata", "labels"]),
        _ => Path::spec(["template", "metadata", "labels"]),
    }
}
