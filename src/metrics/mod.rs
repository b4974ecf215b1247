//! The metrics in the OpenMetrics format. Label values that come from a request are names of
//! namespaces and Rollouts, and bounded in number.

#![allow(clippy::disallowed_methods)]

mod audit;
mod connections;
mod labels;
mod leader;
mod recordings;
mod registry;
mod rollouts;
mod watches;

pub use registry::Metrics;
