//! The Status of a denial. `kubectl` prints nothing but its causes, one line each; `helm` prints nothing
//! but its message: so each cause stands alone, and the message holds everything.

use serde::Serialize;
use serde_json::Value;

use crate::field::{Path, Segment};
use crate::model::{ALLOW, Key, Operation};
use crate::request::Request;
use crate::verdict::{Cause, Finding, Verdict};

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

pub(super) fn status(request: &Request, verdict: &Verdict) -> Status {
    let denials: Vec<&Finding> = verdict.denials().map(|judged| &judged.finding).collect();
    let key = key_of(request);
    let break_glass = break_glass(request, &denials);
    let mut causes: Vec<StatusCause> = denials
        .iter()
        .map(|finding| cause(finding, &key, request.subject()))
        .collect();
    if let Some(last) = causes.last_mut() {
        // The tag stays at the end of the line.
        let tag = last
            .message
            .rfind(" [rollout-guard")
            .unwrap_or(last.message.len());
        last.message.insert_str(tag, &format!(" ({break_glass})"));
    }
    Status {
        status: "Failure",
        message: message(request, &key, &denials, &break_glass),
        reason: "Invalid",
        details: Details {
            name: key.name.to_string(),
            group: request.group.clone(),
            kind: request.kind_name.clone(),
            causes,
        },
        code: 422,
    }
}

fn cause(finding: &Finding, key: &Key, object: &Value) -> StatusCause {
    let place = finding.place_in(key);
    let value = reach(object, place).and_then(shown);
    let says = &finding.message;
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
    StatusCause {
        reason,
        message: format!(
            "{opening}{}: {says}; {} [rollout-guard {}]",
            value.unwrap_or_default(),
            finding.help,
            finding.rule.code
        ),
        field: place.to_string(),
    }
}

fn message(request: &Request, key: &Key, denials: &[&Finding], break_glass: &str) -> String {
    let lines = denials.iter().map(|finding| {
        let place = finding.place_in(key);
        let (says, help, rule) = (&finding.message, &finding.help, finding.rule);
        format!("\n- {place}: {says} [rollout-guard {rule}]\n  help: {help}")
    });
    let operation = request.operation.as_str();
    let lines: String = lines.collect();
    format!("rollout-guard denies this {operation} of {key}:{lines}\n{break_glass}")
}

/// How to get a write through in an incident, and what to do after.
fn break_glass(request: &Request, denials: &[&Finding]) -> String {
    let mut codes: Vec<&str> = denials.iter().map(|finding| finding.rule.code).collect();
    codes.dedup();
    let codes = codes.join(",");
    let when = match request.operation {
        Operation::Delete => "before the delete",
        Operation::Create | Operation::Update => "in the same write",
    };
    format!(
        "in an incident: set the annotation `{ALLOW}: {codes}` on the object {when}, and remove it \
         afterwards"
    )
}

fn key_of(request: &Request) -> Key {
    let meta = |name: &str| {
        let field = request
            .subject()
            .get("metadata")
            .and_then(|meta| meta.get(name));
        field.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let name = match request.name.as_str() {
        "" => meta("name"),
        name => name.to_owned(),
    };
    // A denial is of a kind that is judged; the fallback is never reached.
    let kind = request.kind.unwrap_or(crate::model::Kind::Rollout);
    Key::new(kind, &request.namespace, &name)
}

fn reach<'a>(object: &'a Value, path: &Path) -> Option<&'a Value> {
    path.segments()
        .iter()
        .try_fold(object, |value, step| match step {
            Segment::Field(name) => value.get(name),
            Segment::Entry(name) => value.get(name.as_str()),
            Segment::Index(index) => value.get(index),
        })
}

/// Scalars alone are short enough to show.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
