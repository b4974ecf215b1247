//! All metrics, and those of reviews.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::audit::Audit;
use super::connections::Connections;
use super::labels::{KindLabels, action_of, action_of_patch, seconds_of};
use super::leader::Leader;
use super::recordings::Recordings;
use super::rollouts::Rollouts;
use super::watches::Watches;
use crate::cluster::Cluster;
use crate::decide::{Decision, Judged};
use crate::model::Kind;

/// Of the review duration.
const BUCKETS_SECONDS: [f64; 14] = [
    50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.5, 1.0, 10.0,
];

#[derive(Debug)]
pub struct Metrics {
    pub audit: Audit,
    pub connections: Connections,
    pub leader: Leader,
    pub recordings: Recordings,
    rollouts: Rollouts,
    pub watches: Watches,
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refused: Family<RefusedLabels, Counter>,
    decisions: Family<DecisionLabels, Counter>,
    patches: Family<PatchLabels, Counter>,
    exempt: Family<ExemptLabels, Counter>,
    durations: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    objects: Family<KindLabels, Gauge>,
    manifests_failures: Counter,
    unknown_enforce: Counter,
    certificate_failures: Counter,
    certificate_expiry: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    operation: &'static str,
    kind: &'static str,
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    rule: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PatchLabels {
    mutation: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExemptLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: &'static str,
}

impl Metrics {
    /// Counts a review, and the time from the end of its body to the decision.
    pub fn answered(&self, decision: &Decision, took: Duration) {
        let request = &decision.request;
        let endpoint = request.phase.as_str();
        let labels = RequestLabels {
            endpoint,
            operation: request.operation.as_str(),
            kind: request.kind.map_or("other", Kind::as_str),
            decision: decision.outcome(),
        };
        self.requests.get_or_create(&labels).inc();
        let labels = EndpointLabels { endpoint };
        let durations = self.durations.get_or_create(&labels);
        durations.observe(took.as_secs_f64());
        if let Some(reason) = decision.exempt {
            let reason = reason.as_str();
            self.exempt.get_or_create(&ExemptLabels { reason }).inc();
        }
        if decision.unknown_enforce.is_some() {
            self.unknown_enforce.inc();
        }
        for judged in &decision.judged {
            self.count_finding(judged);
        }
        self.count_patches(decision);
        self.rollouts.count(decision);
    }

    /// Counts a request that gets no review.
    pub fn refused(&self, status: StatusCode) {
        let code = status.as_u16();
        self.refused.get_or_create(&RefusedLabels { code }).inc();
    }

    /// Shows how many objects of each kind are in the index.
    pub fn count_objects(&self, cluster: &Cluster) {
        for kind in Kind::ALL {
            let labels = KindLabels {
                kind: kind.as_str(),
            };
            let count = i64::try_from(cluster.count(kind)).unwrap_or(i64::MAX);
            self.objects.get_or_create(&labels).set(count);
        }
    }

    pub fn manifests_failed(&self) {
        self.manifests_failures.inc();
    }

    pub fn certificate_failed(&self) {
        self.certificate_failures.inc();
    }

    pub fn certificate_expires(&self, at: SystemTime) {
        self.certificate_expiry.set(seconds_of(at));
    }

    /// All metrics in the OpenMetrics format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn count_finding(&self, judged: &Judged) {
        let action = action_of(judged);
        let rule = judged.finding.rule.code;
        let labels = DecisionLabels { rule, action };
        self.decisions.get_or_create(&labels).inc();
    }

    fn count_patches(&self, decision: &Decision) {
        let Some(mutated) = &decision.mutation else {
            return;
        };
        let action = action_of_patch(mutated);
        for mutation in mutated.by.iter().copied() {
            let labels = PatchLabels { mutation, action };
            self.patches.get_or_create(&labels).inc();
        }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        macro_rules! register {
            ($name:literal, $help:literal, $metric:ident) => {
                registry.register($name, $help, self.$metric.clone());
            };
            ($name:literal, $help:literal, $metric:ident, $unit:expr) => {
                registry.register_with_unit($name, $help, $unit, self.$metric.clone());
            };
        }
        register!("requests", "AdmissionReviews answered", requests);
        register!(
            "refused_requests",
            "Requests answered without a review",
            refused
        );
        register!(
            "decisions",
            "Findings of reviews, by rule and action",
            decisions
        );
        register!("patches", "Patches by mutation", patches);
        register!("exempt", "Writes that were not judged, by reason", exempt);
        register!(
            "review_duration",
            "Time to decide about a review, without reading its body",
            durations,
            Unit::Seconds
        );
        register!(
            "unknown_enforce_labels",
            "Reviews in namespaces whose enforce label has an unknown value",
            unknown_enforce
        );
        register!("objects", "Objects in the index, by kind", objects);
        register!(
            "manifests_reload_failures",
            "Changed manifests that could not be read",
            manifests_failures
        );
        register!(
            "certificate_reload_failures",
            "Changed certificates that could not be used",
            certificate_failures
        );
        register!(
            "certificate_expiry_timestamp",
            "When the serving certificate expires, since the epoch",
            certificate_expiry,
            Unit::Seconds
        );
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            audit: Audit::default(),
            connections: Connections::default(),
            leader: Leader::default(),
            rollouts: Rollouts::default(),
            watches: Watches::default(),
            registry: Registry::with_prefix("rollout_guard"),
            requests: Family::default(),
            refused: Family::default(),
            decisions: Family::default(),
            patches: Family::default(),
            exempt: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS_SECONDS)),
            objects: Family::default(),
            recordings: Recordings::default(),
            manifests_failures: Counter::default(),
            unknown_enforce: Counter::default(),
            certificate_failures: Counter::default(),
            certificate_expiry: Gauge::default(),
        };
        metrics.register();
        metrics.audit.register(&mut metrics.registry);
        metrics.connections.register(&mut metrics.registry);
        metrics.leader.register(&mut metrics.registry);
        metrics.recordings.register(&mut metrics.registry);
        metrics.rollouts.register(&mut metrics.registry);
        metrics.watches.register(&mut metrics.registry);
        metrics
    }
}
