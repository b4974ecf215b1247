//! Connections that break are no answers: a new one is tried.

use std::time::Duration;

use kube::Error;

/// All connections may have been closed. The deadline of the review limits the time.
pub(super) const MAX_ATTEMPTS: usize = 3;
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// No word of the API server, good or bad.
pub(super) fn is_broken_off(error: &Error) -> bool {
    matches!(error, Error::HyperError(_) | Error::Service(_))
}
