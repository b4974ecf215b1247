//! Changes that are yet to be judged, as one.

use std::sync::Arc;

use crate::live::IndexStep;

/// From the cluster before the first change to the one after the last.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    changed: Option<IndexStep>,
    /// Some changes were not heard.
    missed: bool,
}

impl Backlog {
    /// The next change; `None` for some that were missed.
    pub fn add(&mut self, change: Option<&IndexStep>) {
        let Some(change) = change else {
            self.missed = true;
            return;
        };
        match &mut self.changed {
            Some(changed) => {
                changed.after = Arc::clone(&change.after);
                changed.keys.extend(change.keys.iter().cloned());
            }
            None => {
                self.changed = Some(IndexStep {
                    before: Arc::clone(&change.before),
                    after: Arc::clone(&change.after),
                    keys: change.keys.clone(),
                });
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.changed.is_none() && !self.missed
    }

    /// All that has changed; `None` where that is not known.
    pub fn changed(self) -> Option<IndexStep> {
        self.changed.filter(|_| !self.missed)
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
    fn gathers_changes_until_one_is_missed() {
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
        assert!(missed.changed().is_none());
        let changed = backlog.changed().unwrap();
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
