//! The answer to a review of which only the uid is read: HTTP 400 would be an error under `failurePolicy: Fail`
//! and pass without a word under `Ignore`.

use super::request::{BadRequest, unread};
use crate::decide::{Decision, Undecided};
use crate::request::Phase;

/// Allows the write with a warning; `None` if the uid is not known.
pub fn allow_unread(error: &BadRequest, phase: Phase, why: Undecided) -> Option<Decision> {
    let request = unread(phase, error.uid()?.to_owned());
    Some(Decision::undecided(request, why))
}
