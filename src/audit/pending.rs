//! Gives the objects of a release time to follow one another. What a finding still lacks after it is an error.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::AuditState;
use crate::model::Key;
use crate::verdict::{Finding, RuleId, Severity};

const TIME_TO_FOLLOW: Duration = Duration::from_mins(1);

/// Since when each pending finding is there.
#[derive(Debug, Default)]
pub(super) struct PendingSince(BTreeMap<Identity, Instant>);

type Identity = (RuleId, Key, String);

impl PendingSince {
    /// Raises what has been pending for too long to errors. Returns whether a finding has changed.
    pub fn raise_overdue(&mut self, state: &mut AuditState, now: Instant) -> bool {
        let mut still = BTreeMap::new();
        let mut changed = false;
        for finding in state.pending_mut() {
            let identity = identity(finding);
            let since = self.0.get(&identity).copied().unwrap_or(now);
            still.insert(identity, since);
            if now.duration_since(since) >= TIME_TO_FOLLOW {
                changed |= finding.severity != Severity::Error;
                finding.severity = Severity::Error;
            }
        }
        self.0 = still;
        changed
    }
}

fn identity(finding: &Finding) -> Identity {
    let (rule, object, subject) = finding.identity();
    (rule, object.clone(), subject.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cluster;
    use crate::model::Object;
    use crate::settings::Settings;
    use serde_json::{Value, json};

    fn object(value: &Value) -> Object {
        Object::parse(value, "ns").unwrap()
    }

    /// A Rollout that lists a route, and the VirtualService of its release with another route.
    fn state(route: &str) -> AuditState {
        let metadata = json!({"name": "app", "annotations": {"meta.helm.sh/release-name": "app"}});
        let istio = json!({"virtualService": {"name": "app", "routes": ["primary"]},
            "destinationRule": {"name": "app", "canarySubsetName": "c", "stableSubsetName": "s"}});
        let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata,
            "spec": {"selector": {"matchLabels": {"app": "app"}},
                     "template": {"metadata": {"labels": {"app": "app"}}},
                     "strategy": {"canary": {"trafficRouting": {"istio": istio}}}}});
        let destination =
            |subset| json!({"destination": {"host": "app", "subset": subset}, "weight": 50});
        let service = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": metadata, "spec": {"hosts": ["app"],
                "http": [{"name": route, "route": [destination("c"), destination("s")]}]}});
        let mut cluster = Cluster::default();
        cluster.apply(object(&rollout));
        cluster.apply(object(&service));
        AuditState::of(&cluster, &Settings::default())
    }

    fn severity(state: &AuditState) -> Option<Severity> {
        let mut findings = state.findings();
        let finding = findings.find(|finding| finding.rule.code == "RG202")?;
        Some(finding.severity)
    }

    #[test]
    fn raises_what_is_still_pending_after_a_minute_and_keeps_it_raised() {
        let mut since = PendingSince::default();
        let start = Instant::now();
        let mut now = state("main");
        assert!(!since.raise_overdue(&mut now, start));
        assert_eq!(severity(&now), Some(Severity::Warning));
        let mut now = state("main");
        assert!(!since.raise_overdue(&mut now, start + Duration::from_secs(59)));
        assert!(since.raise_overdue(&mut now, start + TIME_TO_FOLLOW));
        assert_eq!(severity(&now), Some(Severity::Error));
        assert!(!since.raise_overdue(&mut now, start + Duration::from_secs(61)));
        // Judged again, for example because a label has changed.
        let mut now = state("main");
        assert!(since.raise_overdue(&mut now, start + Duration::from_secs(62)));
        assert_eq!(severity(&now), Some(Severity::Error));
    }

    #[test]
    fn starts_again_once_the_release_is_complete() {
        let mut since = PendingSince::default();
        let start = Instant::now();
        since.raise_overdue(&mut state("main"), start);
        let mut complete = state("primary");
        since.raise_overdue(&mut complete, start + Duration::from_secs(5));
        assert_eq!(severity(&complete), None);
        let mut again = state("main");
        since.raise_overdue(&mut again, start + Duration::from_secs(100));
        assert_eq!(severity(&again), Some(Severity::Warning));
    }
}
