//! The metrics of the audit. Only the leader has series, and only for problems that exist.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::decide::AuditState;

#[derive(Debug, Default)]
pub struct Audit {
    findings: CountedGauge<FindingLabels>,
    allowing: CountedGauge<AllowLabels>,
    events: Family<WriteLabels, Counter>,
    reports: Family<WriteLabels, Counter>,
}

/// A gauge that drops the series that are not counted any more.
#[derive(Debug)]
struct CountedGauge<L: Clone + std::hash::Hash + Eq> {
    gauge: Family<L, Gauge>,
    shown: Mutex<BTreeMap<L, i64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct FindingLabels {
    rule: &'static str,
    severity: &'static str,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct AllowLabels {
    kind: &'static str,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    result: &'static str,
}

impl Audit {
    /// Shows the counts of this audit state.
    pub fn show(&self, state: &AuditState) {
        let findings = state.findings().map(|finding| FindingLabels {
            rule: finding.rule.code,
            severity: finding.severity.as_str(),
            namespace: finding.object.namespace.to_string(),
        });
        self.findings.show(findings);
        let allowing = state.allowing().map(|(key, _)| AllowLabels {
            kind: key.kind.as_str(),
            namespace: key.namespace.to_string(),
        });
        self.allowing.show(allowing);
    }

    /// Removes all series: this replica does not audit.
    pub fn clear(&self) {
        self.show(&AuditState::default());
    }

    /// Counts an Event as `stored` or `failed`.
    pub fn event_sent(&self, result: &'static str) {
        self.events.get_or_create(&WriteLabels { result }).inc();
    }

    /// Counts the write of a report as `stored`, `deleted` or `failed`.
    pub fn report_written(&self, result: &'static str) {
        self.reports.get_or_create(&WriteLabels { result }).inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "findings",
            "Findings of the audit, in the leader",
            self.findings.gauge.clone(),
        );
        registry.register(
            "allow_annotations",
            "Objects with the allow annotation, in the leader",
            self.allowing.gauge.clone(),
        );
        registry.register(
            "events",
            "Kubernetes Events on Rollouts, by result",
            self.events.clone(),
        );
        registry.register(
            "reports",
            "Writes of policy reports, by result",
            self.reports.clone(),
        );
    }
}

impl<L: Clone + std::hash::Hash + Ord> CountedGauge<L> {
    fn show(&self, labels: impl Iterator<Item = L>) {
        let mut counts: BTreeMap<L, i64> = BTreeMap::new();
        for label in labels {
            *counts.entry(label).or_default() += 1;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.keys().filter(|label| !counts.contains_key(label)) {
            self.gauge.remove(gone);
        }
        for (label, count) in &counts {
            self.gauge.get_or_create(label).set(*count);
        }
        *shown = counts;
    }
}

impl<L: Clone + std::hash::Hash + Ord> Default for CountedGauge<L> {
    fn default() -> Self {
        Self {
            gauge: Family::default(),
            shown: Mutex::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use serde_json::json;

    use crate::cluster::Cluster;
    use crate::model::Object;
    use crate::settings::Settings;

    #[test]
    fn shows_problems_and_drops_resolved_ones() {
        let audit = Audit::default();
        let mut registry = Registry::with_prefix("rollout_guard");
        audit.register(&mut registry);
        let text = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let rule = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": {"namespace": "ns", "name": "a",
                         "annotations": {"rollout-guard.io/allow": "weights"}},
            "spec": {"host": "a", "subsets": [{"name": "v1"}, {"name": "v1"}]}});
        let mut cluster = Cluster::default();
        cluster.apply(Object::parse(&rule, "").unwrap());
        audit.show(&AuditState::of(&cluster, &Settings::default()));
        let shown = text();
        for line in [
            "rollout_guard_findings{rule=\"RG503\",severity=\"error\",namespace=\"ns\"} 1\n",
            "rollout_guard_allow_annotations{kind=\"DestinationRule\",namespace=\"ns\"} 1\n",
        ] {
            assert!(shown.contains(line), "{shown}");
        }
        audit.clear();
        assert!(!text().contains("namespace="), "{}", text());
    }
}
