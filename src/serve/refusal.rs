//! Why a request gets no review.

use axum::http::StatusCode;

/// The status and the reason for a request that gets no review.
pub(super) struct Refusal(pub StatusCode, pub String);

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        let reason = format!("the answer cannot be written: {error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }
}
