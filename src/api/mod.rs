//! The Kubernetes API: the client, the served versions of each kind, Events and reports.

pub mod client;
pub mod discovery;
pub mod events;
#[cfg(test)]
#[path = "../../tests/fake_api/mod.rs"]
pub mod fake;
pub mod reports;
