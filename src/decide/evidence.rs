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

impl Decision {
    /// What the denials rest on, and the Rollouts by whose status the write is patched.
    pub fn evidence(&self, mesh: &Mesh) -> Evidence {
        let mut evidence = Evidence::default();
        if self.is_denied() {
            // Its label decides the profile.
            let namespace = Key::new(Kind::Namespace, "", &self.request.namespace);
            evidence.keys.insert(namespace);
        }
        for denial in self.denials().take(MAX_VERIFIED_DENIALS) {
            evidence.add(denial, mesh);
        }
        let mutation = self.mutation.iter();
        let reads = mutation.flat_map(|mutated| &mutated.reads);
        let rollouts = reads.filter_map(|fact| match fact {
            Fact::Found(object) => Some(object.key()).filter(|key| key.kind == Kind::Rollout),
            _ => None,
        });
        evidence.keys.extend(rollouts.cloned());
        evidence
    }
}

impl Evidence {
    /// Whether there is nothing to read.
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

    /// Adds more facts.
    pub fn extend(&mut self, more: Evidence) {
        self.keys.extend(more.keys);
        self.namespaces.extend(more.namespaces);
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
