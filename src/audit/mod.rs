//! The audit: the leader judges what exists, at start and on change, and reports what is wrong in metrics, in
//! Events on Rollouts and, if asked to, in reports.

mod backlog;
mod event_throttle;
mod pending;
mod report;
mod reports;
mod task;
mod topics;

pub use reports::Publisher;
pub use task::Audit;
pub use topics::rollouts_of;

#[cfg(test)]
#[path = "../../tests/unit/reports.rs"]
mod reports_tests;
