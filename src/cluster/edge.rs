//! The edges that an object gives to the index: what it names, sends to, governs, serves and claims.

use crate::cluster::Mesh;
use crate::cluster::reference;
use crate::model::{
    Body, DestinationRule, Host, Key, Kind, Object, Rollout, ServiceEntry, Typed, VirtualService,
};

/// One edge from an object. Hosts are kept backwards, so that all hosts under a wildcard are one range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// Refers to an object by name.
    Names(Key),
    /// A VirtualService routes or mirrors to the host.
    Sends(Backwards),
    /// A DestinationRule is for the host.
    Governs(Backwards),
    /// A Service or ServiceEntry provides the host.
    Serves(Backwards),
    /// A VirtualService that sidecars apply is for the host.
    Claims(Backwards),
}

/// A host with its characters in reverse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backwards(String);

impl Backwards {
    pub fn of(host: &Host) -> Self {
        Self(host.as_str().chars().rev().collect())
    }

    /// The beginning that all hosts under a wildcard share; the whole host for an exact one.
    pub fn stem(host: &Host) -> Self {
        let Backwards(text) = Self::of(host);
        Self(text.trim_end_matches('*').to_owned())
    }

    pub fn starts_with(&self, stem: &Backwards) -> bool {
        self.0.starts_with(&stem.0)
    }

    /// The wildcards that a host can be under, for wildcards with stems of these lengths in bytes.
    pub fn wildcards(&self, lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = Self> {
        let stems = lengths.filter_map(|length| self.0.get(..length));
        stems.map(|stem| Backwards(format!("{stem}*")))
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
        Body::Gateway | Body::Namespace | Body::Workload(_) => Vec::new(),
    };
    edges.sort();
    edges.dedup();
    edges
}

fn of_rollout(rollout: Typed<'_, Rollout>, mesh: &Mesh) -> Vec<Edge> {
    let virtual_services =
        reference::virtual_services(rollout, mesh.argo_version).map(|link| link.key);
    let rule = reference::destination_rule(rollout).map(|link| link.key);
    let services = reference::services(rollout).map(|link| link.key);
    let workload = reference::workload(rollout);
    virtual_services
        .chain(rule)
        .chain(services)
        .chain(workload)
        .map(Edge::Names)
        .collect()
}

fn of_virtual_service(service: Typed<'_, VirtualService>, mesh: &Mesh) -> Vec<Edge> {
    let namespace = service.meta.namespace();
    let backwards = |host: &str| Backwards::of(&Host::resolve(host, namespace, &mesh.domain));
    let sends = service
        .destinations()
        .map(|(_, destination)| Edge::Sends(backwards(&destination.host)));
    let claimed = service.hosts.iter().filter(|_| service.is_mesh());
    let claims = claimed.map(|host| Edge::Claims(backwards(host)));
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
    vec![Edge::Governs(Backwards::of(&host))]
}

fn of_service(key: &Key, mesh: &Mesh) -> Vec<Edge> {
    let host = service_host(key, mesh);
    vec![Edge::Serves(Backwards::of(&host))]
}

fn of_service_entry(entry: Typed<'_, ServiceEntry>, mesh: &Mesh) -> Vec<Edge> {
    let resolve = |host| Host::resolve(host, entry.meta.namespace(), &mesh.domain);
    let hosts = entry.hosts.iter().map(|host| resolve(host));
    hosts
        .map(|host| Edge::Serves(Backwards::of(&host)))
        .collect()
}

/// The host by which Istio knows a Service.
pub fn service_host(key: &Key, mesh: &Mesh) -> Host {
    debug_assert_eq!(key.kind, Kind::Service);
    Host::resolve(&key.name, &key.namespace, &mesh.domain)
}
