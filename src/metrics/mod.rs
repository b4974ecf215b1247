//! What is counted, as OpenMetrics text. No label comes from a request.

#![allow(clippy::disallowed_methods)]

mod audit;
mod labels;
mod own;
mod registry;
mod watches;

pub use registry::Metrics;
