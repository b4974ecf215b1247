//! rollout-guard judges writes of Argo Rollouts and Istio objects. See ARCHITECTURE.md.

#[cfg(feature = "serve")]
pub mod api;
#[cfg(feature = "serve")]
pub mod audit;
pub mod cli;
pub mod cluster;
pub mod controller;
pub mod decide;
#[cfg(all(feature = "serve", feature = "terminal"))]
pub mod doctor;
mod documentation;
pub mod duration;
pub mod field;
pub mod files;
#[cfg(feature = "serve")]
pub mod health;
#[cfg(feature = "serve")]
pub mod last_error;
#[cfg(feature = "serve")]
pub mod lease;
#[cfg(feature = "serve")]
pub mod live;
pub mod managed_fields;
#[cfg(feature = "serve")]
pub mod metrics;
pub mod model;
pub mod mutations;
pub mod parallel;
#[cfg(feature = "serve")]
pub mod pki;
#[cfg(feature = "serve")]
pub mod record;
pub mod request;
pub mod review;
pub mod rules;
#[cfg(feature = "serve")]
pub mod self_test;
#[cfg(feature = "serve")]
pub mod serve;
pub mod settings;
pub mod simulate;
pub mod source;
pub mod text;
pub mod tree;
pub mod verdict;
