//! Which objects depend on another: its write can bring or end a finding about them. They are found by edges.

use std::collections::BTreeSet;

use super::reference;
use super::view::View;
use crate::model::{Body, Host, Key, Kind, Rollout, Typed, VirtualService};

/// The object itself and all objects about which rules that read it can report, as `view` has them.
pub fn dependents(view: &View<'_>, key: &Key) -> BTreeSet<Key> {
    let mut dependents = BTreeSet::from([key.clone()]);
    dependents.extend(rollouts(view, key));
    let Some(object) = view.get(key) else {
        return dependents;
    };
    let resolve = |host| view.resolve(host, object.meta.namespace());
    match &object.body {
        Body::Rollout(rollout) => dependents.extend(by_rollout(view, object.typed(rollout))),
        Body::VirtualService(service) => {
            dependents.extend(by_virtual_service(view, object.typed(service)));
        }
        Body::DestinationRule(rule) => dependents.extend(senders(view, &resolve(&rule.host))),
        Body::Service(_) => dependents.extend(by_provider(view, &view.service_host(key))),
        Body::ServiceEntry(entry) => {
            let hosts = entry.hosts.iter();
            dependents.extend(hosts.flat_map(|host| by_provider(view, &resolve(host))));
        }
        Body::Gateway(_) => {
            let services = view.virtual_services_naming(key);
            dependents.extend(services.into_iter().map(|service| service.meta.key.clone()));
        }
        Body::Namespace | Body::Workload(_) | Body::AnalysisTemplate => {}
    }
    dependents
}

/// All objects that the Rollout names, the other Rollouts that name them, and the flows that send to the Services
/// that it narrows to one revision.
fn by_rollout(view: &View<'_>, rollout: Typed<'_, Rollout>) -> Vec<Key> {
    let named = reference::named(rollout, view.mesh().argo_version).map(|(_, key)| key);
    let named: Vec<Key> = named.collect();
    let sharing = named.iter().flat_map(|key| rollouts(view, key));
    let services = named.iter().filter(|key| key.kind == Kind::Service);
    let sending = services.flat_map(|key| senders(view, &view.service_host(key)));
    let flows = sending.flat_map(|service| rollouts(view, &service));
    sharing.chain(flows).chain(named.iter().cloned()).collect()
}

/// The VirtualServices that delegate to it, and the flows whose subsets it sends to. Others that claim its hosts
/// are not among them: its own finding names them, and a host can have thousands.
fn by_virtual_service(view: &View<'_>, service: Typed<'_, VirtualService>) -> Vec<Key> {
    let namespace = service.meta.namespace();
    let delegating = view.virtual_services_naming(&service.meta.key);
    let others = delegating.into_iter().map(|other| other.meta.key.clone());
    let hosts = service.destinations();
    let hosts: BTreeSet<Host> = hosts
        .map(|(_, destination)| view.resolve(&destination.host, namespace))
        .collect();
    let flows = hosts.iter().flat_map(|host| {
        let rules = view.rules_governing(host);
        let rules = rules.into_iter().map(|rule| &rule.meta.key);
        rules
            .flat_map(|rule| rollouts(view, rule))
            .collect::<Vec<_>>()
    });
    others.chain(flows).collect()
}

/// The VirtualServices that send to the host, and their flows.
fn by_provider(view: &View<'_>, host: &Host) -> Vec<Key> {
    let services = senders(view, host);
    let flows = services.iter().flat_map(|service| rollouts(view, service));
    flows.chain(services.iter().cloned()).collect()
}

fn senders(view: &View<'_>, host: &Host) -> Vec<Key> {
    let services = view.virtual_services_sending_to(host).into_iter();
    services.map(|service| service.meta.key.clone()).collect()
}

fn rollouts(view: &View<'_>, key: &Key) -> Vec<Key> {
    let rollouts = view.rollouts_using(key).into_iter();
    rollouts.map(|rollout| rollout.meta.key.clone()).collect()
}
