//! The status that the controller writes into a Rollout: revisions, weights, abort.

use super::reader::Reader;

/// A Rollout's `status`. Whoever may write the subresource can write it: in another namespace it proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Hash of the stable revision; empty before the first deployment is complete.
    pub stable_rs: String,
    /// Hash of the revision that the spec asks for.
    pub current_pod_hash: String,
    /// Somebody or an analysis has aborted the release: the canary's weight goes to 0.
    pub abort: bool,
    /// Somebody has promoted the release past its steps.
    pub promote_full: bool,
    /// The selector in text form, `app=x,tier in (a,b)`.
    pub selector: String,
    /// `None` before the controller has written the first weights.
    pub weights: Option<Weights>,
    /// `ping` or `pong`: which Service of a ping-pong Rollout is the stable one.
    pub stable_ping_pong: String,
    /// Hash that the blue-green active Service selects.
    pub active_selector: String,
}

/// `status.canary.weights`: percentages of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// The revision that is released.
    pub canary: WeightDestination,
    /// The revision before it.
    pub stable: WeightDestination,
    /// A running experiment's destinations.
    pub additional: Vec<WeightDestination>,
}

/// A share of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightDestination {
    /// Per cent.
    pub weight: i64,
    /// The Service that gets it; empty at subset level.
    pub service_name: String,
    /// The revision that gets it.
    pub pod_template_hash: String,
}

impl Status {
    pub(super) fn read(status: &Reader<'_>) -> Self {
        let canary = status.get("canary");
        let blue_green = status.get("blueGreen");
        let text = |name| status.get(name).string().unwrap_or_default();
        Self {
            stable_rs: text("stableRS"),
            current_pod_hash: text("currentPodHash"),
            abort: status.get("abort").boolean(),
            promote_full: status.get("promoteFull").boolean(),
            selector: text("selector"),
            weights: canary.get("weights").object_as(Weights::read),
            stable_ping_pong: canary.get("stablePingPong").string().unwrap_or_default(),
            active_selector: blue_green
                .get("activeSelector")
                .string()
                .unwrap_or_default(),
        }
    }

    /// Whether the controller has reconciled the Rollout. It writes no revision for a spec that it refuses.
    pub fn is_reconciled(&self) -> bool {
        !self.stable_rs.is_empty() || !self.current_pod_hash.is_empty() || self.weights.is_some()
    }

    /// Whether the ping Service of a ping-pong Rollout is the stable one.
    pub fn stable_is_ping(&self) -> bool {
        self.stable_ping_pong == "ping"
    }

    /// Per cent; 0 before the first weights.
    pub fn canary_weight(&self) -> i64 {
        self.weights
            .as_ref()
            .map_or(0, |weights| weights.canary.weight)
    }

    /// The destinations of a running experiment.
    pub fn experiments(&self) -> &[WeightDestination] {
        self.weights
            .as_ref()
            .map_or(&[], |weights| weights.additional.as_slice())
    }
}

impl Weights {
    fn read(weights: &Reader<'_>) -> Self {
        Self {
            canary: WeightDestination::read(&weights.get("canary")),
            stable: WeightDestination::read(&weights.get("stable")),
            additional: weights
                .get("additional")
                .objects(WeightDestination::read)
                .unwrap_or_default(),
        }
    }
}

impl WeightDestination {
    fn read(destination: &Reader<'_>) -> Self {
        let text = |name| destination.get(name).string().unwrap_or_default();
        Self {
            weight: destination.get("weight").int().unwrap_or_default(),
            service_name: text("serviceName"),
            pod_template_hash: text("podTemplateHash"),
        }
    }
}
