//! Leadership: one replica at a time holds a Lease.

// The candidate reads the clock.
#![allow(clippy::disallowed_methods)]

mod candidate;
mod election;
mod leadership;
#[cfg(test)]
mod tests;

pub use leadership::{Leadership, Lease, identity};
