//! What a rule says: a [`Finding`]. It knows neither HTTP nor how a finding is found.

mod finding;

pub use finding::{Cause, Finding, Findings, Remedy, RuleId, Severity};
