//! Reviews that are not recorded: counted, and logged ever more seldom.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::Metrics;

pub(super) struct Dropped {
    pub metrics: Arc<Metrics>,
    count: AtomicU64,
}

impl Dropped {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            count: AtomicU64::new(0),
        }
    }

    /// A review is recorded.
    pub fn none(&self) {
        self.metrics.recordings.stored();
    }

    /// A review is not recorded. Logs the first, second, fourth and so on.
    pub fn one(&self, name: &str, reason: &str) {
        self.metrics.recordings.dropped();
        let dropped = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::warn!(name, reason, dropped, "a review is not recorded");
        }
    }
}
