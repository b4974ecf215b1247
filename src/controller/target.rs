//! What a reconcile of one Rollout is to bring about.

use crate::model::WeightDestination;

/// A point of a release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Hash of the revision that is released.
    pub canary_hash: String,
    /// Hash of the revision that serves.
    pub stable_hash: String,
    /// The canary's weight, in percent.
    pub weight: i64,
    /// The destinations of a running experiment.
    pub experiments: Vec<WeightDestination>,
    /// Index of the step that is carried out.
    pub step: Option<usize>,
    /// The release has ended or is aborted: inserted routes go, and no step is carried out.
    pub ended: bool,
    /// The release is aborted: the canary Service selects the stable pods.
    pub aborted: bool,
    /// Pods of a subset are not ready: hashes and weights wait for them (`shouldDelayDestinationRuleUpdate`).
    pub waiting: bool,
    /// The revision that is released has no ready pods: inserted routes go before the step is carried out.
    pub without_pods: bool,
}
