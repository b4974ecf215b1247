//! The audit: the leader judges what exists, at start and on change, and reports what is wrong in metrics and in
//! Events on Rollouts.

mod backlog;
mod event_throttle;
mod pending;
mod task;
mod topics;

pub use task::Audit;
pub use topics::rollouts_of;
