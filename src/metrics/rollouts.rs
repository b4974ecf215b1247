//! Which Rollouts the reviews are about: how often a write was denied for one, and how often its values were kept.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::{action_of, action_of_patch};
use crate::decide::{Decision, Judged};
use crate::model::{Key, Kind};

/// Whoever writes objects chooses the names, so their number is bounded. Further Rollouts, and those that a write
/// would create, are counted together under an empty name.
const MAX_ROLLOUTS: usize = 500;

#[derive(Debug, Default)]
pub struct Rollouts {
    writes: Family<RolloutLabels, Counter>,
    named: Mutex<HashSet<Key>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RolloutLabels {
    namespace: String,
    rollout: String,
    action: &'static str,
}

impl Rollouts {
    /// Counts each Rollout of a decision once for each action.
    pub fn count(&self, decision: &Decision) {
        let findings = decision.judged.iter();
        let acts = findings.filter(|judged| action_of(judged) != "warn");
        let mut counted: BTreeSet<(&'static str, &Key)> = acts
            .flat_map(|judged| rollouts_of(judged).map(|rollout| (action_of(judged), rollout)))
            .collect();
        if let Some(mutated) = &decision.mutation {
            let owners = mutated.patch.owners().iter();
            counted.extend(owners.map(|owner| (action_of_patch(mutated), owner)));
        }
        let created = decision.write.as_ref().filter(|write| write.old.is_none());
        for (action, rollout) in counted {
            let is_created = created.is_some_and(|write| write.key == *rollout);
            self.increment(action, (!is_created).then_some(rollout));
        }
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "rollout_writes",
            "Reviews that were denied for a Rollout or kept its values",
            self.writes.clone(),
        );
    }

    fn increment(&self, action: &'static str, rollout: Option<&Key>) {
        let named = rollout.filter(|rollout| self.has_name(rollout));
        let labels = RolloutLabels {
            namespace: named
                .map(|key| key.namespace.to_string())
                .unwrap_or_default(),
            rollout: named.map(|key| key.name.to_string()).unwrap_or_default(),
            action,
        };
        self.writes.get_or_create(&labels).inc();
    }

    fn has_name(&self, rollout: &Key) -> bool {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() < MAX_ROLLOUTS {
            named.insert(rollout.clone());
        }
        named.contains(rollout)
    }
}

/// The Rollouts among the objects that a finding names.
fn rollouts_of(judged: &Judged) -> impl Iterator<Item = &Key> {
    let finding = &judged.finding;
    let others = finding.others.iter().map(|(key, _)| key);
    let all = std::iter::once(&finding.object).chain(others);
    all.filter(|key| key.kind == Kind::Rollout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn names_a_bounded_number_of_rollouts() {
        let rollouts = Rollouts::default();
        let mut registry = Registry::default();
        rollouts.register(&mut registry);
        let key = |number: usize| Key::new(Kind::Rollout, "ns", &format!("app-{number}"));
        rollouts.increment("deny", None);
        for number in 0..MAX_ROLLOUTS + 2 {
            rollouts.increment("deny", Some(&key(number)));
        }
        rollouts.increment("deny", Some(&key(0)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            r#"{namespace="ns",rollout="app-0",action="deny"} 2"#,
            r#"{namespace="ns",rollout="app-499",action="deny"} 1"#,
            r#"{namespace="",rollout="",action="deny"} 3"#,
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("app-500"), "{text}");
    }
}
