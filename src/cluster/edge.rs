//! The edges of the index: what an object names, and the hosts that it sends to, governs, provides or claims.

use std::sync::Arc;

use super::mesh::Mesh;
use super::reference;
use crate::model::{
    Body, DestinationRule, Host, Key, Kind, Object, Rollout, ServiceEntry, Typed, VirtualService,
};

/// One edge from an object. Hosts are reversed, so that all hosts under a wildcard are one range.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edge {
    /// Refers to an object by name.
    Names(Key),
    /// A VirtualService routes or mirrors to the host.
    Sends(ReversedHost),
    /// A DestinationRule is for the host.
    Governs(ReversedHost),
    /// A Service or ServiceEntry provides the host.
    Serves(ReversedHost),
    /// A VirtualService that sidecars apply is for the host.
    Claims(ReversedHost),
    /// A Service has the name, in any namespace.
    Called(Arc<str>),
}

/// A host with its characters in reverse.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReversedHost(String);

impl ReversedHost {
    /// `*.example.com` as `moc.elpmaxe.*`.
    pub fn of(host: &Host) -> Self {
        let mut text = String::with_capacity(host.as_str().len());
        text.extend(host.as_str().chars().rev());
        Self(text)
    }

    /// The prefix that all reversed hosts under a wildcard share; the whole host if it is exact.
    pub fn stem(host: &Host) -> Self {
        let ReversedHost(text) = Self::of(host);
        Self(text.trim_end_matches('*').to_owned())
    }

    /// Whether the host is under the wildcard with this stem.
    pub fn starts_with(&self, stem: &ReversedHost) -> bool {
        self.0.starts_with(&stem.0)
    }

    /// The wildcards that cover the host, if there are any with stems of these lengths in bytes.
    pub fn wildcards(&self, lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = Self> {
        let stems = lengths.filter_map(|length| self.0.get(..length));
        stems.map(|stem| ReversedHost(format!("{stem}*")))
    }

    /// The length of a wildcard's stem in bytes; `None` for an exact host.
    pub fn stem_length(&self) -> Option<usize> {
        Some(self.0.strip_suffix('*')?.len())
    }
}

/// All edges of an object, sorted and without repeats.
pub fn edges_of(object: &Object, mesh: &Mesh) -> Vec<Edge> {
    let mut edges = match &object.body {
        Body::Rollout(rollout) => of_rollout(object.typed(rollout), mesh),
        Body::VirtualService(service) => of_virtual_service(object.typed(service), mesh),
        Body::DestinationRule(rule) => of_destination_rule(object.typed(rule), mesh),
        Body::Service(_) => of_service(object.key(), mesh),
        Body::ServiceEntry(entry) => of_service_entry(object.typed(entry), mesh),
        Body::Gateway(_) | Body::Namespace | Body::Workload(_) | Body::AnalysisTemplate => {
            Vec::new()
        }
    };
    edges.sort();
    edges.dedup();
    edges
}

fn of_rollout(rollout: Typed<'_, Rollout>, mesh: &Mesh) -> Vec<Edge> {
    let named = reference::named(rollout, mesh.argo_version).map(|(_, key)| key);
    let workload = reference::workload(rollout);
    let templates = reference::analysis_templates(rollout).map(|(_, key)| key);
    let stable = &rollout.status.stable_rs;
    let revision = (!stable.is_empty()).then(|| reference::revision(rollout, stable));
    named
        .chain(workload)
        .chain(templates)
        .chain(revision)
        .map(Edge::Names)
        .collect()
}

fn of_virtual_service(service: Typed<'_, VirtualService>, mesh: &Mesh) -> Vec<Edge> {
    let namespace = service.meta.namespace();
    let reversed = |host: &str| ReversedHost::of(&Host::resolve(host, namespace, &mesh.domain));
    let sends = service
        .destinations()
        .map(|(_, destination)| Edge::Sends(reversed(&destination.host)));
    let is_mesh = service.is_mesh();
    let claimed = service.hosts.iter().filter(move |_| is_mesh);
    let claims = claimed.map(|host| Edge::Claims(reversed(host)));
    let delegates = reference::delegates(service).map(|(_, key)| Edge::Names(key));
    let gateways = reference::gateways(service).map(|(_, key)| Edge::Names(key));
    sends
        .chain(claims)
        .chain(delegates)
        .chain(gateways)
        .collect()
}

fn of_destination_rule(rule: Typed<'_, DestinationRule>, mesh: &Mesh) -> Vec<Edge> {
    let host = Host::resolve(&rule.host, rule.meta.namespace(), &mesh.domain);
    vec![Edge::Governs(ReversedHost::of(&host))]
}

fn of_service(key: &Key, mesh: &Mesh) -> Vec<Edge> {
    let host = service_host(key, mesh);
    let called = Edge::Called(Arc::clone(&key.name));
    vec![Edge::Serves(ReversedHost::of(&host)), called]
}

fn of_service_entry(entry: Typed<'_, ServiceEntry>, mesh: &Mesh) -> Vec<Edge> {
    let resolve = |host| Host::resolve(host, entry.meta.namespace(), &mesh.domain);
    let hosts = entry.hosts.iter().map(|host| resolve(host));
    hosts
        .map(|host| Edge::Serves(ReversedHost::of(&host)))
        .collect()
}

/// The host of a Service in Istio.
pub fn service_host(key: &Key, mesh: &Mesh) -> Host {
    debug_assert_eq!(key.kind, Kind::Service);
    Host::resolve(&key.name, &key.namespace, &mesh.domain)
}
