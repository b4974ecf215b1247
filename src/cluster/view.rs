//! How rules read a cluster, with or without one write over it. A view neither clones nor scans the cluster.

use std::sync::Arc;

use super::claims::{Answer, Claims, Requirement};
use super::edge::{Edge, ReversedHost, service_host};
use super::facts::{About, Fact, Facts};
use super::index::Cluster;
use super::mesh::Mesh;
use super::overlay::Overlay;
use crate::model::{
    DestinationRule, Host, Key, Kind, Meta, Object, Rollout, Service, Typed, VirtualService,
    Workload,
};

/// Whether a Rollout meets the controller's requirement.
pub type Validation = fn(Typed<'_, Rollout>, &View<'_>, Requirement) -> bool;

/// A cluster as rules see it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) overlay: Option<&'a Overlay<'a>>,
    /// The object that the write replaces; `None`: the one of the cluster.
    replaced: Option<&'a Overlay<'a>>,
    pub(super) facts: Option<&'a Facts>,
    /// The host for which it reads; `None`: any.
    about: Option<About>,
    /// Of a view without a write; one with a write has those of its overlay.
    claims: Option<&'a Claims>,
    /// `None`: every Rollout meets all requirements.
    pub(super) validation: Option<Validation>,
}

impl<'a> View<'a> {
    /// The cluster as it is, without a write. It notes nothing.
    pub fn of(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            overlay: None,
            replaced: None,
            facts: None,
            about: None,
            claims: None,
            validation: None,
        }
    }

    /// The cluster with the object of `overlay`.
    #[must_use]
    pub fn with(self, overlay: &'a Overlay<'a>) -> Self {
        Self {
            overlay: Some(overlay),
            ..self
        }
    }

    /// The cluster after a write, with what the write replaces.
    #[must_use]
    pub fn with_before(self, will: &'a Overlay<'a>, was: &'a Overlay<'a>) -> Self {
        Self {
            overlay: Some(will),
            replaced: Some(was),
            ..self
        }
    }

    /// The cluster before the write; the same view without a write.
    #[must_use]
    pub fn before(self) -> Self {
        Self {
            overlay: self.replaced,
            replaced: None,
            ..self
        }
    }

    /// The same view, which notes in `facts` what is read.
    #[must_use]
    pub fn noting(self, facts: &'a Facts) -> Self {
        Self {
            facts: Some(facts),
            ..self
        }
    }

    /// The same view, for a rule that judges the hosts of one object apart: a finding about another host does not rest
    /// on what is read through it.
    #[must_use]
    pub fn about_host(self, host: &Host) -> Self {
        Self {
            about: self.facts.map(|_| About::host(host)),
            ..self
        }
    }

    /// The same view, in which this decides which Rollouts the controller refuses.
    #[must_use]
    pub fn validating_by(self, validation: Validation) -> Self {
        Self {
            validation: Some(validation),
            ..self
        }
    }

    /// The same view, which remembers what it finds out about Rollouts.
    #[must_use]
    pub fn remembering(self, claims: &'a Claims) -> Self {
        Self {
            claims: Some(claims),
            ..self
        }
    }

    pub(super) fn claims(&self) -> Option<&'a Claims> {
        self.overlay
            .map_or(self.claims, |written| Some(&written.claims))
    }

    /// What the settings say of the mesh.
    pub fn mesh(&self) -> &'a Mesh {
        self.cluster.mesh()
    }

    /// Whether the view has a write, so that [`View::before`] is another view.
    pub fn is_written(&self) -> bool {
        self.replaced.is_some()
    }

    /// The object with this key, the written one in place of the stored one. This and what follows note what they read.
    pub fn get(&self, key: &Key) -> Option<&'a Object> {
        match self.overlay {
            Some(overlay) if overlay.key == key => overlay.object,
            _ => {
                let found = self.cluster.shared(key);
                self.note(|| match found {
                    Some(object) => Fact::Found(Arc::clone(object)),
                    None => Fact::Missing(key.clone()),
                });
                found.map(Arc::as_ref)
            }
        }
    }

    /// The Rollout with this key.
    pub fn rollout(&self, key: &Key) -> Option<Typed<'a, Rollout>> {
        self.get(key)?.rollout()
    }

    /// The VirtualService with this key.
    pub fn virtual_service(&self, key: &Key) -> Option<Typed<'a, VirtualService>> {
        self.get(key)?.virtual_service()
    }

    /// The DestinationRule with this key.
    pub fn destination_rule(&self, key: &Key) -> Option<Typed<'a, DestinationRule>> {
        self.get(key)?.destination_rule()
    }

    /// The Service with this key.
    pub fn service(&self, key: &Key) -> Option<Typed<'a, Service>> {
        self.get(key)?.service()
    }

    /// The workload, pod template or revision with this key.
    pub fn workload(&self, key: &Key) -> Option<Typed<'a, Workload>> {
        self.get(key)?.workload()
    }

    /// The metadata of the Namespace with this name.
    pub fn namespace(&self, name: &str) -> Option<&'a Meta> {
        let namespace = self.get(&Key::new(Kind::Namespace, "", name))?;
        Some(&namespace.meta)
    }

    /// The Rollouts that name the object in any field, in the order of their keys.
    pub fn rollouts_using(&self, key: &Key) -> Vec<Typed<'a, Rollout>> {
        self.some_rollouts_using(key).collect()
    }

    /// The same for callers that may stop early: an object can have thousands.
    pub fn some_rollouts_using(&self, key: &Key) -> impl Iterator<Item = Typed<'a, Rollout>> {
        let view = *self;
        let keys = self.naming(key);
        keys.filter_map(move |key| view.rollout(key))
    }

    /// The VirtualServices that name the object as a delegate or a gateway.
    pub fn virtual_services_naming(&self, key: &Key) -> Vec<Typed<'a, VirtualService>> {
        let services = self.naming(key);
        services
            .filter_map(|key| self.virtual_service(key))
            .collect()
    }

    /// The VirtualServices with a destination or mirror at a host that `host` covers.
    pub fn virtual_services_sending_to(&self, host: &Host) -> Vec<Typed<'a, VirtualService>> {
        let keys = if host.is_wildcard() {
            self.under(host, Edge::Sends)
        } else {
            self.holding(Edge::Sends(ReversedHost::of(host)))
        };
        let services = keys.iter().filter_map(|key| self.virtual_service(key));
        services.collect()
    }

    /// The VirtualServices that sidecars apply for exactly this host.
    pub fn virtual_services_claiming(
        &self,
        host: &Host,
    ) -> impl Iterator<Item = Typed<'a, VirtualService>> {
        let view = *self;
        let keys = self.each_holding(Edge::Claims(ReversedHost::of(host)));
        keys.filter_map(move |key| view.virtual_service(key))
    }

    /// The DestinationRules of all namespaces whose host covers this one.
    pub fn rules_governing(&self, host: &Host) -> Vec<Typed<'a, DestinationRule>> {
        self.note(|| Fact::Host(Kind::DestinationRule, host.clone()));
        let keys = self.covering(host, Edge::Governs);
        let rules = keys.iter().filter_map(|key| self.destination_rule(key));
        rules.collect()
    }

    /// The Services and ServiceEntries that provide the host, also by a wildcard.
    pub fn providers(&self, host: &Host) -> Vec<&'a Object> {
        self.note(|| Fact::Host(Kind::Service, host.clone()));
        self.note(|| Fact::Host(Kind::ServiceEntry, host.clone()));
        let keys = self.covering(host, Edge::Serves);
        keys.iter().filter_map(|key| self.get(key)).collect()
    }

    /// Whether an object of the kinds that is not found does not exist.
    pub fn knows(&self, kinds: &[Kind]) -> bool {
        let written = self
            .overlay
            .is_some_and(|overlay| overlay.object.is_some() && kinds.contains(&overlay.key.kind));
        let stored = kinds.iter().any(|kind| self.cluster.count(*kind) > 0);
        self.mesh().live || self.mesh().complete || written || stored
    }

    /// The host of a Service in Istio.
    pub fn service_host(&self, service: &Key) -> Host {
        service_host(service, self.mesh())
    }

    /// The host as Istio completes it for an object of this namespace: one without a dot gets the namespace and the
    /// domain.
    pub fn resolve(&self, host: &str, namespace: &str) -> Host {
        Host::resolve(host, namespace, &self.mesh().domain)
    }

    pub(super) fn naming(&self, key: &Key) -> impl Iterator<Item = &'a Key> {
        self.each_holding(Edge::Names(key.clone()))
    }

    /// Whether `holder` names the object.
    pub(super) fn is_naming(&self, holder: &Key, key: &Key) -> bool {
        let edge = Edge::Names(key.clone());
        match self.overlay {
            Some(overlay) if overlay.key == holder => overlay.has(&edge),
            _ => self.cluster.holds(edge, holder),
        }
    }

    /// What `read` finds. What it reads is not noted: nothing rests on the answer.
    pub fn without_noting<T>(&self, read: impl FnOnce() -> T) -> T {
        Answer::of(self.facts, read).value
    }

    pub(super) fn note(&self, fact: impl FnOnce() -> Fact) {
        if let Some(facts) = self.facts {
            facts.note(self.about, fact());
        }
    }
}
