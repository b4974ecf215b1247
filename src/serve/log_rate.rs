//! Bounds how often something is logged that anybody can cause.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const PERIOD: Duration = Duration::from_secs(10);
const MAX_LINES_PER_PERIOD: u32 = 5;

/// How many lines there were in the current period.
#[derive(Debug, Default)]
pub(super) struct LogRate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    start: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl LogRate {
    /// Whether to log now, and how many lines were left out since the last one.
    pub fn next(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.start.is_none_or(|start| start.elapsed() >= PERIOD) {
            state.start = Some(Instant::now());
            state.lines = 0;
        }
        if state.lines == MAX_LINES_PER_PERIOD {
            state.left_out += 1;
            return None;
        }
        state.lines += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn logs_a_few_lines_and_counts_the_others() {
        let rate = LogRate::default();
        let logged = (0..100).filter(|_| rate.next().is_some()).count();
        assert_eq!(logged, MAX_LINES_PER_PERIOD as usize);
        tokio::time::advance(PERIOD).await;
        assert_eq!(rate.next(), Some(95));
        assert_eq!(rate.next(), Some(0));
    }
}
