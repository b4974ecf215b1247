//! One line for each denial, patch and fault, on standard error; never a body. What others wrote is quoted,
//! so that a name with a line end in it makes no line.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use crate::decide::{Action, Decision, Exempt, Judged};
use crate::model::Kind;
use crate::request::Phase;
use crate::text::truncate;

/// The lines themselves.
pub(super) struct Log;

/// From here on, lines go to standard error. Does nothing where somebody else listens already.
pub(super) fn start() {
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .log_internal_errors(false);
    let _ = lines.try_init();
}

impl Log {
    pub fn answered(decision: &Decision) {
        let rules = |pass: fn(&Judged) -> bool| codes(decision, pass);
        let denied = rules(|judged| judged.action == Action::Deny);
        let would = rules(|judged| judged.would_deny);
        if !denied.is_empty() {
            tracing::info!("denied {}: {denied}", write(decision));
        }
        if !would.is_empty() {
            tracing::info!("would deny {}: {would}", write(decision));
        }
        if let Some(mutated) = &decision.mutation {
            let did = if mutated.observed {
                "would patch"
            } else {
                "patched"
            };
            if !mutated.by.is_empty() {
                tracing::info!("{did} {}: {}", write(decision), mutated.by.join(", "));
            }
        }
        if decision.exempt == Some(Exempt::OutOfTime) {
            tracing::warn!("allowed unchecked, {}", write(decision));
        }
    }

    pub fn refused(phase: Phase, status: StatusCode, reason: &str) {
        tracing::warn!(
            "answered {status} to /{}: {}",
            phase.as_str(),
            quoted(reason)
        );
    }
}

/// `UPDATE VirtualService "ns/name" by "user"`.
fn write(decision: &Decision) -> String {
    let request = &decision.request;
    let (operation, kind) = (
        request.operation.as_str(),
        request.kind.map_or("", Kind::as_str),
    );
    let object = quoted(&format!("{}/{}", request.namespace, request.name));
    let dry = if request.dry_run { " (dry run)" } else { "" };
    format!(
        "{operation} {kind} {object} by {}{dry}",
        quoted(&request.user)
    )
}

/// In quotes and escaped, so that no text of a user can end a line.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", truncate(text, MAX_TEXT_CHARS))
}

/// `RG202 route-not-found, RG501 subset-undefined`.
fn codes(decision: &Decision, pass: fn(&Judged) -> bool) -> String {
    let judged = decision.judged.iter().filter(|judged| pass(judged));
    let rules: BTreeSet<String> = judged
        .map(|judged| judged.finding.rule.to_string())
        .collect();
    rules.into_iter().collect::<Vec<_>>().join(", ")
}

const MAX_TEXT_CHARS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_others_wrote() {
        assert_eq!(quoted("a\n\u{1b}[31m"), r#""a\n\u{1b}[31m""#);
        assert_eq!(quoted(&"ł".repeat(300)).chars().count(), MAX_TEXT_CHARS + 2);
    }
}
