//! Remembers what has been logged, so that it is logged once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// More than a cluster has, of what is logged once. What is beyond is not logged.
const MAX_REMEMBERED: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct LogOnce {
    logged: Mutex<BTreeSet<String>>,
}

impl LogOnce {
    /// Whether this is to be logged now.
    pub fn is_new(&self, what: &str) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < MAX_REMEMBERED && logged.insert(what.to_owned())
    }

    /// It could not be logged, and is to be logged the next time.
    pub fn forget(&self, what: &str) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.remove(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_once_and_not_too_much() {
        let log = LogOnce::default();
        assert!(log.is_new("a"));
        assert!(!log.is_new("a"));
        log.forget("a");
        assert!(log.is_new("a"));
        let more = (0..2 * MAX_REMEMBERED).filter(|index| log.is_new(&index.to_string()));
        assert_eq!(more.count(), MAX_REMEMBERED - 1);
    }
}
