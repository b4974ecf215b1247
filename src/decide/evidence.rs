//! What a refusal rests on beside the write itself: objects that were remembered, and may have changed
//! since. Who serves a live cluster reads them again before it says no.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::write::Write;
use crate::cluster::{Cluster, Facts, Overlay, View};
use crate::model::{Key, Kind};
use crate::request::Request;
use crate::rules::{self, Check};
use crate::verdict::{Finding, Verdict};

/// Remembered facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Objects, found or missing.
    pub keys: BTreeSet<Key>,
    /// Kinds and namespaces in which an object that is not known yet could change the verdict: a host's
    /// DestinationRules merge, and any ServiceEntry may provide it.
    pub namespaces: BTreeSet<(Kind, Arc<str>)>,
}

/// What the denials of a verdict rest on; nothing where none denies.
pub fn evidence(request: &Request, verdict: &Verdict, cluster: &Cluster) -> Evidence {
    let mut evidence = Evidence::default();
    let Some(write) = Write::of(request).filter(|_| verdict.is_denied()) else {
        return evidence;
    };
    let label = Key::new(Kind::Namespace, "", &request.namespace);
    evidence.keys.insert(label);
    for denial in verdict.denials().take(VERIFIED) {
        let facts = Facts::default();
        judge_again(&denial.finding, &write, cluster, &facts);
        evidence.add(facts, &denial.finding, cluster);
    }
    evidence
}

/// The finding's rule on the finding's object, before and after the write.
fn judge_again(finding: &Finding, write: &Write, cluster: &Cluster, facts: &Facts) {
    let Some(rule) = rules::find(finding.rule.code) else {
        return;
    };
    let change = write.change();
    let view = View::of(cluster).noting(facts);
    let was = Overlay::new(change.key, change.old, cluster.mesh());
    let will = Overlay::new(change.key, change.new, cluster.mesh());
    let before = view.with(&was);
    if let Check::Write(_) = rule.check {
        rules::judge_write(&change, &before);
        return;
    }
    for view in [before, view.with_before(&will, &was)] {
        if let Some(object) = view.get(&finding.object) {
            rule.judge(object, &view, &mut Vec::new());
        }
    }
}

impl Evidence {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.namespaces.is_empty()
    }

    /// Without what is known already.
    #[must_use]
    pub fn without(&self, known: &Evidence) -> Self {
        Self {
            keys: self.keys.difference(&known.keys).cloned().collect(),
            namespaces: self
                .namespaces
                .difference(&known.namespaces)
                .cloned()
                .collect(),
        }
    }

    pub fn extend(&mut self, more: Evidence) {
        self.keys.extend(more.keys);
        self.namespaces.extend(more.namespaces);
    }

    fn add(&mut self, facts: Facts, finding: &Finding, cluster: &Cluster) {
        let mesh = cluster.mesh();
        for (kind, host) in facts.hosts() {
            let service = host.service(&mesh.domain);
            let clients = [&*finding.object.namespace, &mesh.root_namespace];
            let served = service.map(|(namespace, _)| namespace);
            let places = clients.into_iter().chain(served);
            self.namespaces
                .extend(places.map(|namespace| (kind, Arc::from(namespace))));
            let service = service.map(|(namespace, name)| Key::new(Kind::Service, namespace, name));
            self.keys.extend(service);
        }
        self.keys.extend(facts.into_keys());
    }
}

/// As many denials as an answer writes out.
const VERIFIED: usize = 50;
