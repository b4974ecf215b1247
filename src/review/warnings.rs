//! The warnings of an answer: one line each, short, and within what the API server passes on.

use crate::decide::Mutated;
use crate::model::Operation;
use crate::request::Request;
use crate::verdict::{Action, Judged, Verdict};

pub(super) fn of(request: &Request, verdict: &Verdict) -> Vec<String> {
    let judged = verdict
        .judged
        .iter()
        .filter(|judged| judged.action == Action::Warn || request.operation == Operation::Delete);
    let judged = judged.map(line);
    let notes = verdict
        .notes
        .iter()
        .map(|note| format!("rollout-guard: {note}"));
    let mut lines: Vec<String> = judged.chain(notes).map(|line| cut(&line)).collect();
    lines.dedup();
    within(lines)
}

/// What a patch kept, one line each; under profile `observe` what it would have kept.
pub(super) fn of_patch(mutated: &Mutated) -> Vec<String> {
    let would = if mutated.observed { "would have " } else { "" };
    let notes = mutated.patch.notes().iter();
    within(
        notes
            .map(|note| cut(&format!("rollout-guard: {would}{note}")))
            .collect(),
    )
}

fn line(judged: &Judged) -> String {
    let finding = &judged.finding;
    let decided = match judged.action {
        // `helm uninstall` (4) prints warnings, and of a refused delete only that it failed.
        Action::Deny => "denied: ",
        Action::Warn if judged.would_deny => "would deny: ",
        Action::Warn => "",
    };
    format!("{}: {decided}{}", finding.rule.code, finding.shortest())
}

/// The API server cuts a longer line itself, without a sign.
fn cut(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST - 1).collect();
    format!("{kept}…")
}

/// As many lines as fit, and how many did not.
fn within(mut lines: Vec<String>) -> Vec<String> {
    let total = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    if total(&lines) < TOTAL {
        return lines;
    }
    let all = lines.len();
    while total(&lines) >= TOTAL - LONGEST {
        lines.pop();
    }
    let left_out = all - lines.len();
    lines.push(format!("rollout-guard: {left_out} more warnings left out"));
    lines
}

/// In characters.
const LONGEST: usize = 256;
/// In bytes, over all warnings of an answer.
const TOTAL: usize = 4096;
