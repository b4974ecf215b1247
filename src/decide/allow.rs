//! What is said of the `allow` annotation of a write.

use super::decision::Decision;
use crate::model::{ALLOW, Operation, Write};
use crate::request::AllowRight;
use crate::{mutations, rules};

/// Warns while the annotation switches something off, so that it is removed again; of an annotation that does not
/// count; and of a word that switches nothing off, so that nobody relies on it in an incident.
pub(super) fn notes(write: &Write, decision: &Decision) -> Vec<String> {
    let words = write.object().map_or(&[][..], |object| &object.meta.allow);
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| is_known(word));
    let mut notes = Vec::new();
    if !known.is_empty() {
        notes.extend(refusal(write, decision).or_else(|| reminder(&known, write, decision)));
    }
    if decision.request.phase.validates() {
        notes.extend(unknown.iter().map(|word| {
            format!("annotation {ALLOW} names `{word}`, which is no rule and no mutation")
        }));
    }
    notes
}

/// Why the annotation does not count.
fn refusal(write: &Write, decision: &Decision) -> Option<String> {
    let user = &decision.request.user;
    let resource = write.key.kind.allow_resource();
    let why = match decision.request.allow_right {
        AllowRight::Refused => format!("user `{user}` may not `allow` {resource}"),
        AllowRight::Unanswered => {
            format!("the API server does not tell whether user `{user}` may `allow` {resource}")
        }
        AllowRight::Unknown | AllowRight::Unasked | AllowRight::Granted => return None,
    };
    Some(format!("annotation {ALLOW} does not count: {why}"))
}

fn reminder(known: &[&String], write: &Write, decision: &Decision) -> Option<String> {
    if write.operation == Operation::Delete || !decision.request.phase.validates() {
        return None;
    }
    let (whose, end) = match decision.request.allow_right {
        AllowRight::Unasked if decision.allow_needs_right => {
            let resource = write.key.kind.allow_resource();
            (format!(" for users who may `allow` {resource}"), "")
        }
        AllowRight::Unknown if decision.allow_needs_right => (
            String::new(),
            "; whether the user may use it is not asked here",
        ),
        _ => (String::new(), ""),
    };
    let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    let known = known.join(", ");
    Some(format!(
        "annotation {ALLOW} lets {known} pass{whose}: remove it afterwards{end}"
    ))
}

fn is_known(word: &str) -> bool {
    word == "*" || rules::find(word).is_some() || mutations::find(word).is_some()
}
