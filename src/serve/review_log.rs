//! The log events of reviews. None holds a body. What users wrote is truncated, and stands in fields alone, which the
//! log quotes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;

use crate::decide::{Action, Decision, Exempt, Judged, Spared};
use crate::request::Phase;
use crate::text::{truncate, without_marks};

const MAX_TEXT_CHARS: usize = 256;

/// An event with the fields that every event of a review has.
macro_rules! log_review {
    ($level:ident, $message:literal, $decision:expr, $took:expr $(, $field:ident = $value:expr)?) => {{
        let request = &$decision.request;
        tracing::$level!(
            $($field = $value,)?
            operation = request.operation.as_str(),
            kind = &*short(&request.kind_name),
            namespace = &*short(&request.namespace),
            name = &*short(&request.name),
            user = &*short(&request.user),
            dry_run = request.dry_run,
            duration_ms = $took.as_secs_f64() * 1e3,
            $message
        )
    }};
}

/// Logs each denial, patch and write that was not decided in time; at level `debug` every review.
pub(super) fn decided(decision: &Decision, took: Duration) {
    let denied = rules(decision, |judged| judged.action == Action::Deny);
    let would_deny = rules(decision, |judged| judged.spared == Some(Spared::Observed));
    let pending = rules(decision, |judged| {
        matches!(judged.spared, Some(Spared::Pending(_)))
    });
    if !denied.is_empty() {
        log_review!(info, "denied", decision, took, rule = denied);
    }
    if !would_deny.is_empty() {
        log_review!(info, "would deny", decision, took, rule = would_deny);
    }
    if !pending.is_empty() {
        log_review!(info, "pending", decision, took, rule = pending);
    }
    if let Some(mutated) = &decision.mutation
        && !mutated.by.is_empty()
    {
        let mutation = mutated.by.join(", ");
        if mutated.observed {
            log_review!(info, "would patch", decision, took, mutation = mutation);
        } else {
            log_review!(info, "patched", decision, took, mutation = mutation);
        }
    }
    if decision.exempt == Some(Exempt::OutOfTime) {
        log_review!(warn, "allowed unchecked", decision, took);
    }
    let outcome = decision.outcome();
    log_review!(debug, "reviewed", decision, took, outcome = outcome);
}

/// Logs a request that gets no review.
pub(super) fn refused(phase: Phase, status: StatusCode, reason: &str, left_out: u64) {
    tracing::warn!(
        endpoint = phase.as_str(),
        status = status.as_u16(),
        reason = &*short(reason),
        left_out,
        "refused a request"
    );
}

/// Text of a user as a log line may hold it.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    match truncate(text, MAX_TEXT_CHARS) {
        Cow::Borrowed(text) => without_marks(text),
        Cow::Owned(text) => Cow::Owned(without_marks(&text).into_owned()),
    }
}

/// `RG202 route-not-found, RG501 subset-undefined`.
fn rules(decision: &Decision, filter: fn(&Judged) -> bool) -> String {
    let judged = decision.judged.iter().filter(|judged| filter(judged));
    let rules: BTreeSet<String> = judged
        .map(|judged| judged.finding.rule.to_string())
        .collect();
    rules.into_iter().collect::<Vec<_>>().join(", ")
}
