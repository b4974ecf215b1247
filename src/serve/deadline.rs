//! The time by which an answer must be sent: the timeout of the API server, less some time for the way back.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::duration;

/// The default of the API server for webhook configurations.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The API server allows no longer timeout.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
const TIME_FOR_THE_WAY_BACK: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// For a request that arrives at `now`. The query is that of the API server, such as `timeout=2s`.
    pub fn of(query: Option<&str>, now: Instant) -> Self {
        let mut pairs = query.unwrap_or_default().split('&');
        let timeout = pairs.find_map(|pair| pair.strip_prefix("timeout="));
        let timeout = timeout.and_then(duration::parse).unwrap_or(DEFAULT_TIMEOUT);
        Self(
            now + timeout
                .min(MAX_TIMEOUT)
                .saturating_sub(TIME_FOR_THE_WAY_BACK),
        )
    }

    pub fn instant(self) -> Instant {
        self.0
    }

    /// The result of the work, or `None` if the time is over.
    pub async fn bound<T>(self, work: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.0, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_time_for_the_way_back() {
        let now = Instant::now();
        let after = |query| Deadline::of(query, now).0.duration_since(now).as_millis();
        assert_eq!(after(Some("timeout=2s")), 1_800);
        assert_eq!(after(Some("a=b&timeout=1m")), 29_800);
        assert_eq!(after(Some("timeout=soon")), 9_800);
        assert_eq!(after(Some("timeout=100ms")), 0);
        assert_eq!(after(None), 9_800);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_what_is_not_done_in_time() {
        let deadline = Deadline::of(Some("timeout=2s"), Instant::now());
        assert_eq!(deadline.bound(std::future::pending::<()>()).await, None);
        assert_eq!(deadline.0, Instant::now());
        // Past the deadline too, work that does not wait is done.
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(deadline.bound(async { 1 }).await, Some(1));
    }
}
