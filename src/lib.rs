//! rollout-guard judges writes of Argo Rollouts and Istio objects. See ARCHITECTURE.md.

pub mod admit;
pub mod cli;
pub mod cluster;
pub mod exempt;
pub mod field;
pub mod model;
pub mod request;
pub mod review;
pub mod rules;
pub mod settings;
pub mod source;
pub mod verdict;
