//! The steps of the index that are not audited yet, merged into one.

use std::sync::Arc;

use crate::live::IndexStep;

/// From the cluster before the first step to the cluster after the last.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    merged: Option<IndexStep>,
    /// Whether some steps are lost.
    incomplete: bool,
}

impl Backlog {
    /// Adds the next step; `None` if steps are lost.
    pub fn add(&mut self, step: Option<&IndexStep>) {
        let Some(step) = step else {
            self.incomplete = true;
            return;
        };
        match &mut self.merged {
            Some(merged) => {
                merged.after = Arc::clone(&step.after);
                merged.keys.extend(step.keys.iter().cloned());
            }
            None => {
                self.merged = Some(IndexStep {
                    before: Arc::clone(&step.before),
                    after: Arc::clone(&step.after),
                    keys: step.keys.clone(),
                });
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.merged.is_none() && !self.incomplete
    }

    /// All steps as one; `None` if some are lost.
    pub fn into_step(self) -> Option<IndexStep> {
        self.merged.filter(|_| !self.incomplete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use serde_json::json;

    use crate::cluster::Cluster;
    use crate::model::Object;

    #[test]
    fn merges_steps_until_one_is_lost() {
        let clusters: Vec<Arc<Cluster>> = (0..3).map(cluster).collect();
        let step = |from: usize| IndexStep {
            before: Arc::clone(&clusters[from]),
            after: Arc::clone(&clusters[from + 1]),
            keys: clusters[from + 1].keys().cloned().collect(),
        };
        let mut backlog = Backlog::default();
        assert!(backlog.is_empty());
        backlog.add(Some(&step(0)));
        backlog.add(Some(&step(1)));
        assert!(!backlog.is_empty());
        let mut missed = Backlog::default();
        missed.add(Some(&step(0)));
        missed.add(None);
        assert!(!missed.is_empty());
        assert!(missed.into_step().is_none());
        let changed = backlog.into_step().unwrap();
        assert_eq!(changed.before, clusters[0]);
        assert_eq!(changed.after, clusters[2]);
        let names: BTreeSet<&str> = changed.keys.iter().map(|key| &*key.name).collect();
        assert_eq!(names, BTreeSet::from(["s0", "s1"]));
    }

    fn cluster(services: usize) -> Arc<Cluster> {
        let mut cluster = Cluster::default();
        for index in 0..services {
            let service = json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"namespace": "ns", "name": format!("s{index}")}});
            cluster.apply(Object::parse(&service, "").unwrap());
        }
        Arc::new(cluster)
    }
}
