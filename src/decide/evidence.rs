//! The watched objects that a denial or a patch rests on. They may have changed since, so the webhook reads
//! them from the API server before it denies or patches.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::decision::{Decision, Judged};
use crate::cluster::{Fact, Mesh};
use crate::model::{Host, Key, Kind};

/// What is read again from the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Objects, found or missing.
    pub keys: BTreeSet<Key>,
    /// Kinds and namespaces in which an object that is not known yet could change the decision: a host's
    /// DestinationRules merge, and any ServiceEntry may provide it.
    pub namespaces: BTreeSet<(Kind, Arc<str>)>,
}

/// As many denials as an answer writes out.
const MAX_VERIFIED_DENIALS: usize = 50;
/// What the list of a namespace costs, in reads of one object.
const LIST_COST: usize = 4;

impl Decision {
    /// What must be read before the answer, beside what is `known`: the Rollouts by whose status the write is
    /// patched, and what so many of the `denials` rest on, those first that cost the fewest reads. One denial that
    /// rests on known facts alone is enough: then the others need not be read.
    pub fn unverified(&self, mesh: &Mesh, known: &Evidence, denials: usize) -> Evidence {
        let mut unverified = self.patched_by().without(known);
        let denied = self.evidence_of_denials(mesh).into_iter();
        let mut denied: Vec<Evidence> = denied.map(|evidence| evidence.without(known)).collect();
        if denied.iter().any(Evidence::is_empty) {
            return unverified;
        }
        denied.sort_by_key(Evidence::cost);
        for evidence in denied.into_iter().take(denials) {
            unverified.extend(evidence);
        }
        unverified
    }

    /// What each denial rests on; findings of one rule can have it in common.
    fn evidence_of_denials(&self, mesh: &Mesh) -> Vec<Evidence> {
        // Its label decides the profile.
        let namespace = Key::new(Kind::Namespace, "", &self.request.namespace);
        let mut seen = BTreeSet::new();
        let denials = self.denials().take(MAX_VERIFIED_DENIALS).filter(|denial| {
            let client = &denial.finding.object.namespace;
            seen.insert((Arc::as_ptr(&denial.reads).cast::<()>(), client))
        });
        let evidence = denials.map(|denial| {
            let mut evidence = Evidence::default();
            evidence.keys.insert(namespace.clone());
            evidence.add(denial, mesh);
            evidence
        });
        evidence.collect()
    }

    fn patched_by(&self) -> Evidence {
        let mutation = self.mutation.iter();
        let reads = mutation.flat_map(|mutated| &mutated.reads);
        let rollouts = reads.filter_map(|fact| match fact {
            Fact::Found(object) => Some(object.key()).filter(|key| key.kind == Kind::Rollout),
            _ => None,
        });
        Evidence {
            keys: rollouts.cloned().collect(),
            ..Evidence::default()
        }
    }
}

impl Evidence {
    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.namespaces.is_empty()
    }

    /// The objects that are read by themselves: those that no list of their namespace shows to be there or gone.
    pub fn single_keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| !self.is_listed(key))
    }

    /// The objects that a list shows to be there or gone.
    pub fn listed_keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| self.is_listed(key))
    }

    fn is_listed(&self, key: &Key) -> bool {
        let list = (key.kind, Arc::clone(&key.namespace));
        self.namespaces.contains(&list)
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

    /// Adds more facts.
    pub fn extend(&mut self, more: Evidence) {
        self.keys.extend(more.keys);
        self.namespaces.extend(more.namespaces);
    }

    fn cost(&self) -> usize {
        self.single_keys().count() + LIST_COST * self.namespaces.len()
    }

    fn add(&mut self, denial: &Judged, mesh: &Mesh) {
        let client = &denial.finding.object.namespace;
        for fact in denial.reads.iter() {
            match fact {
                Fact::Found(object) => self.keys.insert(object.key().clone()),
                Fact::Missing(key) => self.keys.insert(key.clone()),
                Fact::Host(kind, host) => {
                    self.add_host(*kind, host, client, mesh);
                    true
                }
            };
        }
    }

    /// Where objects for the host may be: the client's, the Service's and the root namespace.
    fn add_host(&mut self, kind: Kind, host: &Host, client: &str, mesh: &Mesh) {
        let service = host.service(&mesh.domain);
        if kind == Kind::Service {
            // One Service alone can have the host's name.
            let key = service.map(|(namespace, name)| Key::new(kind, namespace, name));
            self.keys.extend(key);
            return;
        }
        let namespaces = [client, &mesh.root_namespace].into_iter();
        let namespaces = namespaces.chain(service.map(|(namespace, _)| namespace));
        self.namespaces
            .extend(namespaces.map(|namespace| (kind, Arc::from(namespace))));
    }
}
