//! The Status of a denial. `kubectl` prints only its causes, one line each; `helm` prints only its message. So
//! each cause can be read alone, and the message holds all findings.

use serde::Serialize;
use serde_json::Value;

use crate::decide::Decision;
use crate::field::{Path, Segment};
use crate::model::{ALLOW, ALLOW_VERB, Key, Operation, Write};
use crate::request::AllowRight;
use crate::text::{printable, truncate};
use crate::verdict::{Cause, Finding};

/// Findings that are written out; the others are counted.
const MAX_FINDINGS: usize = 50;
/// Of a message, and of a help.
const MAX_TEXT_CHARS: usize = 1000;
/// Of the value that a cause shows.
const MAX_VALUE_CHARS: usize = 100;

/// Kubernetes' own `Status`, with its field of that name.
#[derive(Serialize)]
#[allow(clippy::struct_field_names)]
pub(super) struct Status {
    status: &'static str,
    message: String,
    reason: &'static str,
    details: Details,
    code: u16,
}

#[derive(Serialize)]
struct Details {
    name: String,
    group: String,
    kind: String,
    causes: Vec<StatusCause>,
}

#[derive(Serialize)]
struct StatusCause {
    reason: &'static str,
    message: String,
    field: String,
}

pub(super) fn status(decision: &Decision, write: &Write) -> Status {
    let (request, key) = (&decision.request, &write.key);
    let denials: Vec<&Finding> = decision.denials().map(|judged| &judged.finding).collect();
    let shown = denials.iter().take(MAX_FINDINGS);
    let causes = shown.map(|finding| cause(finding, key, decision));
    let mut causes: Vec<StatusCause> = causes.collect();
    if denials.len() > MAX_FINDINGS {
        causes.push(StatusCause {
            reason: "FieldValueInvalid",
            message: format!("and {} more [rollout-guard]", denials.len() - MAX_FINDINGS),
            field: "spec".to_owned(),
        });
    }
    Status {
        status: "Failure",
        message: message(decision, key, &denials),
        reason: "Invalid",
        details: Details {
            name: line(&key.name),
            group: request.group.clone(),
            kind: request.kind_name.clone(),
            causes,
        },
        code: 422,
    }
}

fn cause(finding: &Finding, key: &Key, decision: &Decision) -> StatusCause {
    let place = finding.place_in(key);
    let value = reach(decision.request.subject(), place).and_then(scalar);
    let (reason, opening) = match finding.cause {
        Cause::NotFound => ("FieldValueNotFound", "Not found"),
        Cause::Required => ("FieldValueRequired", "Required value"),
        Cause::Duplicate => ("FieldValueDuplicate", "Duplicate value"),
        Cause::Forbidden => ("FieldValueForbidden", "Forbidden"),
        Cause::Invalid => ("FieldValueInvalid", "Invalid value"),
    };
    let shows_value = !matches!(finding.cause, Cause::Required | Cause::Forbidden);
    let value = value
        .filter(|_| shows_value)
        .map(|value| format!(": {value}"));
    let (says, help, code) = (
        finding.message.to_string(),
        &finding.help,
        finding.rule.code,
    );
    let break_glass = break_glass(decision, key, code);
    StatusCause {
        reason,
        message: format!(
            "{opening}{}: {}; {} ({break_glass}) [rollout-guard {code}]",
            value.unwrap_or_default(),
            line(&says),
            line(help),
        ),
        field: line(&place.to_string()),
    }
}

fn message(decision: &Decision, key: &Key, denials: &[&Finding]) -> String {
    let lines = denials.iter().take(MAX_FINDINGS).map(|finding| {
        let place = finding.place_in(key);
        let (says, help, rule) = (finding.message.to_string(), &finding.help, finding.rule);
        let (place, says, help) = (line(&place.to_string()), line(&says), line(help));
        format!("\n- {place}: {says} [rollout-guard {rule}]\n  help: {help}")
    });
    let lines: String = lines.collect();
    let more = match denials.len().saturating_sub(MAX_FINDINGS) {
        0 => String::new(),
        more => format!("\n- and {more} more"),
    };
    let mut codes: Vec<&str> = denials.iter().map(|finding| finding.rule.code).collect();
    codes.dedup();
    let break_glass = break_glass(decision, key, &codes.join(","));
    let operation = decision.request.operation.as_str();
    let key = line(&key.to_string());
    format!("rollout-guard denies this {operation} of {key}:{lines}{more}\n{break_glass}")
}

/// One line of a text, of which users may have written a part.
fn line(text: &str) -> String {
    truncate(&printable(text), MAX_TEXT_CHARS).into_owned()
}

/// How to get a write through in an incident, and what to do afterwards.
fn break_glass(decision: &Decision, key: &Key, codes: &str) -> String {
    let request = &decision.request;
    let when = match request.operation {
        Operation::Delete => "before the delete",
        Operation::Create | Operation::Update => "in the same write",
    };
    let condition = condition(decision, key);
    format!(
        "in an incident: set the annotation `{ALLOW}: {codes}` on the object {when}, and remove it \
         afterwards{condition}"
    )
}

/// From whom the annotation counts, and whom to ask for the right.
fn condition(decision: &Decision, key: &Key) -> String {
    let right = decision.request.allow_right;
    if !decision.allow_needs_right || right == AllowRight::Granted {
        return String::new();
    }
    let user = line(&decision.request.user);
    if right == AllowRight::Unanswered {
        return format!(
            "; it does not count, as the API server did not tell whether user `{user}` may use it: try again, or \
             ask the administrator of rollout-guard"
        );
    }
    let may_not = if right == AllowRight::Refused {
        format!(", and user `{user}` may not")
    } else {
        String::new()
    };
    let (resource, namespace) = (key.kind.allow_resource(), line(&key.namespace));
    format!(
        "; it counts only from users who may `{ALLOW_VERB}` `{resource}` in namespace `{namespace}`{may_not}: ask \
         who grants roles there"
    )
}

fn reach<'a>(object: &'a Value, path: &Path) -> Option<&'a Value> {
    path.segments()
        .iter()
        .try_fold(object, |value, step| match step {
            Segment::Field(name) => value.get(name),
            Segment::Entry(name) | Segment::Unknown(name) => value.get(name.as_str()),
            Segment::Index(index) => value.get(index),
        })
}

/// A scalar as JSON; lists and objects are too long to show.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = truncate(text, MAX_VALUE_CHARS);
            Some(line(&Value::from(text.as_ref()).to_string()))
        }
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
