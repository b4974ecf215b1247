//! What refers to an object.

use super::builder::Builder;
use super::node::Node;
use crate::cluster::reference;
use crate::model::{Body, Host, Key, Rollout, Typed, VirtualService};

/// A node for each field that refers to the object.
pub(super) fn referrers(builder: &Builder<'_>, key: &Key) -> Vec<Node> {
    let view = &builder.view;
    let mut nodes = Vec::new();
    for rollout in view.rollouts_using(key) {
        nodes.extend(by_rollout(builder, rollout, key));
    }
    for service in view.virtual_services_naming(key) {
        nodes.extend(by_delegate(service, key));
    }
    if let Some(host) = host(builder, key) {
        for service in view.virtual_services_sending_to(&host) {
            nodes.extend(by_destination(builder, service, &host));
        }
        for rule in view.rules_governing(&host) {
            if rule.meta.key != *key {
                nodes.push(referrer(&rule.meta.key, crate::field::Path::spec(["host"])));
            }
        }
    }
    nodes
}

/// The host that others reach the object by.
fn host(builder: &Builder<'_>, key: &Key) -> Option<Host> {
    let object = builder.view.get(key)?;
    match &object.body {
        Body::DestinationRule(rule) => {
            Some(builder.view.resolve(&rule.host, object.meta.namespace()))
        }
        Body::Service(_) => Some(builder.view.service_host(key)),
        _ => None,
    }
}

fn by_rollout(builder: &Builder<'_>, rollout: Typed<'_, Rollout>, key: &Key) -> Vec<Node> {
    let named = reference::named(rollout, builder.view.mesh().argo_version);
    let named = named.filter(|(_, named)| named == key);
    named
        .map(|(path, _)| referrer(&rollout.meta.key, path))
        .collect()
}

fn by_delegate(service: Typed<'_, VirtualService>, key: &Key) -> Vec<Node> {
    let named = reference::delegates(service).chain(reference::gateways(service));
    let named = named.filter(|(_, named)| named == key);
    named
        .map(|(path, _)| referrer(&service.meta.key, path))
        .collect()
}

fn by_destination(
    builder: &Builder<'_>,
    service: Typed<'_, VirtualService>,
    host: &Host,
) -> Vec<Node> {
    let view = &builder.view;
    let namespace = service.meta.namespace();
    let sending = service.body.destinations().filter(|(_, destination)| {
        let sent_to = view.resolve(&destination.host, namespace);
        sent_to == *host || host.is_wildcard() && host.covers(&sent_to)
    });
    let nodes = sending.map(|(path, destination)| {
        let mut node = referrer(&service.meta.key, path);
        node.fact("subset", destination.subset.clone());
        node
    });
    nodes.collect()
}

fn referrer(key: &Key, path: crate::field::Path) -> Node {
    Node::of_field(format!("← {key} {path}"), key, path)
}
