//! The answers that need no live cluster: of what is decided, and of what is not.

use axum::http::StatusCode;
use serde_json::Value;

use super::refusal::Refusal;
use super::review_log::short;
use crate::decide::{Decision, Undecided};
use crate::request::{Phase, Request};
use crate::review::{BadRequest, allow_unread, parse, render};

/// A review that gets no memory or no thread is read no further, for its uid.
pub(super) const START_BYTES: usize = 4 << 10;

/// A decision, and the bytes that tell it.
pub(super) struct Answer {
    pub decision: Decision,
    pub bytes: Vec<u8>,
}

/// The answer to a review of which no more than the beginning may be read in time.
pub(super) fn out_of_time(body: &[u8], phase: Phase) -> Result<Answer, Refusal> {
    let start = body.get(..START_BYTES).unwrap_or(body);
    let decision = match parse(start, phase) {
        Ok(request) => Some(Decision::undecided(request, Undecided::OutOfTime)),
        Err(error) => allow_unread(&error, phase, Undecided::OutOfTime),
    };
    decision.map_or_else(|| Err(no_time()), answer)
}

fn no_time() -> Refusal {
    let reason = "no time was left to read the review".to_owned();
    Refusal(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// A review that cannot be read is answered if it has a uid.
pub(super) fn unreadable(error: &BadRequest, phase: Phase) -> Result<Answer, Refusal> {
    let reason = error.to_string();
    let Some(decision) = allow_unread(error, phase, Undecided::Unreadable) else {
        return Err(Refusal(StatusCode::BAD_REQUEST, reason));
    };
    tracing::warn!(
        error = &*short(&reason),
        "a review cannot be read: it is allowed"
    );
    answer(decision)
}

pub(super) fn undecided(request: Request, why: Undecided) -> Result<Answer, Refusal> {
    answer(Decision::undecided(request, why))
}

pub(super) fn answer(mut decision: Decision) -> Result<Answer, Refusal> {
    let bytes = render(&decision)?;
    // They can be large, and nobody needs them any more.
    decision.request.object = Value::Null;
    decision.request.old_object = Value::Null;
    Ok(Answer { decision, bytes })
}

pub(super) fn ended() -> Refusal {
    let reason = "the process ends".to_owned();
    Refusal(StatusCode::SERVICE_UNAVAILABLE, reason)
}
