//! The warnings of an answer: one line each, short, and within what the API server passes on.

use crate::decide::{Action, Decision, Judged, Spared};
use crate::model::Operation;
use crate::text::{first_of, printable, shorten_words, truncate};

/// In characters: the API server cuts a longer line itself, without a sign.
const MAX_LINE_CHARS: usize = 256;
/// In characters, of a word in a line that is too long.
const MAX_WORD_CHARS: usize = 64;
/// In bytes, over all warnings of an answer: the API server drops what is above.
const MAX_TOTAL_BYTES: usize = 4096;

/// How many objects of the release a line names.
const MAX_SIBLINGS: usize = 2;

pub(super) fn of_findings(decision: &Decision) -> Vec<String> {
    let deletes = decision.request.operation == Operation::Delete;
    let judged = decision.judged.iter();
    let judged = judged.filter(|judged| judged.action == Action::Warn || deletes);
    let lines = judged.map(line).chain(notes(decision));
    let mut lines: Vec<String> = lines.map(|line| cut(&line)).collect();
    lines.dedup();
    within(lines)
}

/// What a patch kept, one line each; under profile `observe` what it would have kept.
pub(super) fn of_patch(decision: &Decision) -> Vec<String> {
    let kept = decision.mutation.iter().flat_map(|mutated| {
        let would = if mutated.observed { "would have " } else { "" };
        let notes = mutated.patch.notes().iter();
        notes.map(move |note| format!("rollout-guard: {would}{note}"))
    });
    let lines = kept.chain(notes(decision));
    within(lines.map(|line| cut(&line)).collect())
}

fn notes(decision: &Decision) -> impl Iterator<Item = String> {
    let notes = decision.notes.iter();
    notes.map(|note| format!("rollout-guard: {note}"))
}

fn line(judged: &Judged) -> String {
    let finding = &judged.finding;
    // What must follow comes before the message, whose end may be cut.
    let decided = match (judged.action, &judged.spared) {
        // Of a refused delete `helm uninstall` (4) prints only that it failed, and the warnings.
        (Action::Deny, _) => "denied: ".to_owned(),
        (Action::Warn, None) => String::new(),
        (Action::Warn, Some(Spared::Observed)) => "would deny: ".to_owned(),
        (Action::Warn, Some(Spared::Pending(key))) => {
            format!("pending: {key} must follow in this release: ")
        }
        (Action::Warn, Some(Spared::DryRun(keys))) if keys.is_empty() => {
            "would be denied unless the same release brings what is missing: ".to_owned()
        }
        (Action::Warn, Some(Spared::DryRun(keys))) => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let verb = if keys.len() == 1 { "changes" } else { "change" };
            let keys = first_of(&keys, MAX_SIBLINGS);
            format!("would be denied unless {keys} {verb} in the same release: ")
        }
    };
    format!(
        "{}: {decided}{}",
        finding.rule.code,
        finding.message.without_fields()
    )
}

/// One line that the API server passes on. Long names are cut first, so that what is said of them remains.
fn cut(line: &str) -> String {
    let line = printable(line);
    if line.chars().nth(MAX_LINE_CHARS).is_none() {
        return line.into_owned();
    }
    truncate(&shorten_words(&line, MAX_WORD_CHARS), MAX_LINE_CHARS).into_owned()
}

/// As many lines as fit, and how many did not.
fn within(mut lines: Vec<String>) -> Vec<String> {
    let total = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    if total(&lines) < MAX_TOTAL_BYTES {
        return lines;
    }
    let all = lines.len();
    let mut bytes = 0;
    let kept = lines.iter().position(|line| {
        bytes += line.len();
        bytes >= MAX_TOTAL_BYTES - MAX_LINE_CHARS
    });
    lines.truncate(kept.unwrap_or(all));
    let left_out = all - lines.len();
    lines.push(format!("rollout-guard: {left_out} more warnings left out"));
    lines
}
