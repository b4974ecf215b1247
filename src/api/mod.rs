//! The Kubernetes API: how it is reached, what it serves, and Events.

#![allow(clippy::disallowed_methods)]

pub mod client;
pub mod discovery;
pub mod events;
#[cfg(test)]
#[path = "../../tests/fake_api/mod.rs"]
pub mod fake;
