//! Which objects of other namespaces a namespace sees, by their `exportTo`. For DestinationRules istiod has a
//! look-up of their own, in `subsets`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::edge::Edge;
use super::view::View;
use crate::model::{Body, Host, Key, Object, Typed, VirtualService};

/// The `exportTo` of an object. An empty list exports it to all namespaces, the mesh's default; `~` to none.
#[derive(Clone, Copy)]
pub struct ExportTo<'a> {
    entries: &'a [String],
    /// The namespace of the object.
    owner: &'a str,
}

impl<'a> ExportTo<'a> {
    /// `entries`: as they are written; `owner`: the namespace of the object, which `.` means.
    pub fn new(entries: &'a [String], owner: &'a str) -> Self {
        Self { entries, owner }
    }

    /// Whether clients in the namespace see the object.
    pub fn includes(self, namespace: &str) -> bool {
        self.names(namespace) || (namespace == self.owner && self.has("."))
    }

    /// Whether an entry other than `.` includes the namespace: istiod's test for rules of another namespace.
    pub fn names(self, namespace: &str) -> bool {
        self.entries.is_empty() || self.has("*") || self.has(namespace)
    }

    /// Whether only clients in the object's own namespace see it.
    pub fn is_private(self) -> bool {
        matches!(self.entries, [only] if only == "." || only == self.owner)
    }

    /// The namespaces that see it, `*` for all.
    pub fn namespaces(self) -> BTreeSet<&'a str> {
        if self.entries.is_empty() {
            return BTreeSet::from(["*"]);
        }
        let names = self.entries.iter().map(|entry| match entry.as_str() {
            "." => self.owner,
            name => name,
        });
        names.filter(|name| *name != "~").collect()
    }

    fn has(self, entry: &str) -> bool {
        self.entries.iter().any(|one| one == entry)
    }
}

/// The Services and ServiceEntries of a host that the clients of a VirtualService see. With a gateway or a
/// delegate the clients may be in any namespace: all count.
pub fn visible_providers<'a>(
    view: &View<'a>,
    host: &Host,
    service: Typed<'_, VirtualService>,
) -> Vec<&'a Object> {
    let mut providers = view.providers(host);
    if service.is_mesh() && !service.is_delegate() {
        let namespace = service.meta.namespace();
        providers.retain(|provider| {
            let owner = provider.meta.namespace();
            ExportTo::new(export_to(provider), owner).includes(namespace)
        });
    }
    providers
}

impl View<'_> {
    /// The first `max` stored Services with the name of this one, in other namespaces.
    pub fn namesakes(&self, service: &Key, max: usize) -> Vec<Key> {
        let edge = Edge::Called(Arc::clone(&service.name));
        let stored = self.cluster.holders(edge);
        let others = stored.filter(|key| *key != service);
        others.take(max).cloned().collect()
    }
}

/// The port numbers that a Service or ServiceEntry declares; none for any other object.
pub fn provided_ports(provider: &Object) -> &[i64] {
    match &provider.body {
        Body::Service(service) => &service.ports,
        Body::ServiceEntry(entry) => &entry.ports,
        _ => &[],
    }
}

fn export_to(provider: &Object) -> &[String] {
    match &provider.body {
        Body::ServiceEntry(entry) => &entry.export_to,
        _ => &provider.meta.export_to,
    }
}
