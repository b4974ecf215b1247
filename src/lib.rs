//! rollout-guard judges writes of Argo Rollouts and Istio objects. See ARCHITECTURE.md.

pub mod admit;
pub mod cli;
pub mod cluster;
pub mod field;
pub mod managed_fields;
pub mod model;
pub mod mutations;
pub mod request;
pub mod review;
pub mod rules;
#[cfg(feature = "serve")]
pub mod serve;
pub mod settings;
pub mod source;
pub mod verdict;
