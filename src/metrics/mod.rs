//! The metrics in the OpenMetrics format. No label value comes from a request.

#![allow(clippy::disallowed_methods)]

mod audit;
mod labels;
mod leader;
mod registry;
mod watches;

pub use registry::Metrics;
