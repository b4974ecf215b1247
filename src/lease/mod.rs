//! Leadership: one replica at a time holds a Lease.

// The candidate reads the clock.
#![allow(clippy::disallowed_methods)]

mod candidate;
mod election;
mod leadership;
#[cfg(test)]
#[path = "../../tests/unit/lease.rs"]
mod tests;

pub use leadership::{Leadership, Lease, identity};
