//! A VirtualService: its routes, and where their destinations lead.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Builder;
use super::flow::{Owner, service_mark};
use super::node::{Fact, Mark, Node};
use crate::cluster::reference::{self, VirtualServiceLink};
use crate::cluster::{Flow, List, ManagedRoute, Role, ServiceRole, visible_rules};
use crate::field::Path;
use crate::model::{
    Destination, DestinationRule, HASH_LABEL, Host, HttpRoute, Key, Kind, Labels, RouteDestination,
    Service, Subset, Typed, VirtualService,
};
use crate::text::first_of;

/// Whose reference leads to a VirtualService.
type Link<'l, 'a> = (Owner<'a>, &'l VirtualServiceLink<'a>);

const SHOWN_NAMES: usize = 3;

/// What is known of one route.
struct Route<'a> {
    list: List,
    index: usize,
    name: &'a str,
    destinations: &'a [RouteDestination],
    /// The route of the http list.
    http: Option<&'a HttpRoute>,
}

impl<'a> Builder<'a> {
    /// `shown` receives the DestinationRules and Services that its routes lead to.
    pub(super) fn virtual_service(
        &self,
        service: Typed<'a, VirtualService>,
        link: Option<Link<'_, 'a>>,
        shown: &mut BTreeSet<Key>,
    ) -> Node {
        let key = &service.meta.key;
        let mut node = Node::of_object(key);
        node.fact("hosts", first_of(&service.hosts, SHOWN_NAMES));
        node.fact("gateways", first_of(&service.gateways, SHOWN_NAMES));
        for list in List::ALL {
            self.owners(&mut node, key, list.field());
        }
        let managed = link.map(|link| managed(service, link)).unwrap_or_default();
        for route in routes(service) {
            let is_managed = managed.contains(&(route.list, route.index));
            let child = self.route(service, &route, link.filter(|_| is_managed), shown);
            node.children.push(child);
        }
        node
    }

    fn route(
        &self,
        service: Typed<'a, VirtualService>,
        route: &Route<'a>,
        link: Option<Link<'_, 'a>>,
        shown: &mut BTreeSet<Key>,
    ) -> Node {
        let path = Path::spec([route.list.field()]).index(route.index);
        let title = match route.name {
            "" => format!("route {}[{}]", route.list.field(), route.index),
            name => format!("route {name}"),
        };
        let mut node = Node::of_field(title, &service.meta.key, path.clone());
        if let Some((owner, _)) = link {
            node.fact("managed", format!("by {}", owner.flow.key()));
        }
        let flow = link.map(|(owner, _)| owner.flow);
        let path = path.field("route");
        for (index, entry) in route.destinations.iter().enumerate() {
            if let Some(destination) = &entry.destination {
                let place = path.index(index).field("destination");
                let mut child = self.destination(service, destination, place, flow, shown);
                child.facts.insert(0, weight(entry, route.destinations));
                node.children.push(child);
            }
        }
        self.other_targets(service, route, &mut node, shown);
        node
    }

    /// Mirrors, a delegate, a redirect: what an http route does besides its weighted destinations.
    fn other_targets(
        &self,
        service: Typed<'a, VirtualService>,
        route: &Route<'a>,
        node: &mut Node,
        shown: &mut BTreeSet<Key>,
    ) {
        let Some(http) = route.http else { return };
        let path = Path::spec([route.list.field()]).index(route.index);
        for mirror in http.mirror.iter().chain(http.mirrors.iter().flatten()) {
            let place = path.field("mirror");
            let mut child = self.destination(service, mirror, place, None, shown);
            child.facts.insert(0, fact("weight", "mirror".to_owned()));
            node.children.push(child);
        }
        if let Some(delegate) = &http.delegate {
            let namespace = match delegate.namespace.as_str() {
                "" => service.meta.namespace(),
                elsewhere => elsewhere,
            };
            let key = Key::new(Kind::VirtualService, namespace, &delegate.name);
            // A delegate of a delegate has no effect; that is also what ends a circle.
            let child = match self.view.virtual_service(&key) {
                Some(next) if !service.is_delegate() => self.virtual_service(next, None, shown),
                Some(_) => Node::of_object(&key),
                None => Node::missing(&key),
            };
            node.children.push(child);
        }
        if http.redirect {
            node.fact("answers", "a redirect");
        }
        if http.direct_response {
            node.fact("answers", "a fixed response");
        }
    }

    /// A destination, and the subset or Service that it leads to.
    fn destination(
        &self,
        service: Typed<'a, VirtualService>,
        destination: &'a Destination,
        path: Path,
        flow: Option<Flow<'a>>,
        shown: &mut BTreeSet<Key>,
    ) -> Node {
        let host = self
            .view
            .resolve(&destination.host, service.meta.namespace());
        let role = flow.and_then(|flow| flow.roles()?.role(destination));
        let short = self.short(&host, service.meta.namespace());
        let title = match destination.subset.as_str() {
            "" => short,
            subset => format!("{short}, subset {subset}"),
        };
        let mut node = Node::of_field(title, &service.meta.key, path);
        node.mark = Owner::mark(role);
        node.fact("role", role.map_or("", Role::as_str));
        if !destination.subset.is_empty() {
            let rules = visible_rules(&self.view, &host, service.meta.namespace());
            let children = rules.into_iter().filter_map(|rule| {
                shown.insert(rule.meta.key.clone());
                self.subset(rule, &destination.subset, role, flow)
            });
            node.children.extend(children);
            if node.children.is_empty() {
                let mut missing = Node {
                    title: format!("subset {}", destination.subset),
                    mark: Mark::Missing,
                    ..Node::default()
                };
                missing.fact("state", format!("no DestinationRule defines it for {host}"));
                node.children.push(missing);
            }
            return node;
        }
        let Some((namespace, name)) = host.service(&self.view.mesh().domain) else {
            return node;
        };
        let key = Key::new(Kind::Service, namespace, name);
        shown.insert(key.clone());
        let role = flow.and_then(|flow| {
            let mut named = reference::services(flow.rollout);
            let role = named.find(|link| link.key == key)?.role;
            Some((flow, role))
        });
        node.children.push(match self.view.service(&key) {
            Some(service) => self.service(service, role.as_ref().map(|(flow, role)| (flow, *role))),
            None => Node::missing(&key),
        });
        node
    }

    /// A Service of this namespace by its name alone, one of another as `name.namespace`.
    fn short(&self, host: &Host, namespace: &str) -> String {
        match host.service(&self.view.mesh().domain) {
            Some((own, name)) if own == namespace => name.to_owned(),
            Some((other, name)) => format!("{name}.{other}"),
            None => host.as_str().to_owned(),
        }
    }

    /// A subset of a DestinationRule; `None` if the rule does not define it.
    fn subset(
        &self,
        rule: Typed<'a, DestinationRule>,
        name: &str,
        role: Option<Role>,
        flow: Option<Flow<'a>>,
    ) -> Option<Node> {
        let (index, subset) = rule.body.subset(name)?;
        let key = &rule.meta.key;
        let mut node = subset_node(rule, index, subset, format!("subset {name} of {key}"));
        node.mark = Owner::mark(role);
        if let Some(flow) = flow {
            self.pods(&mut node, flow.key(), subset.labels.as_ref());
        }
        self.owners(&mut node, key, "subsets");
        Some(node)
    }

    /// A DestinationRule with all its subsets.
    pub(super) fn rule(&self, rule: Typed<'a, DestinationRule>) -> Node {
        let key = &rule.meta.key;
        let mut node = Node::of_object(key);
        node.fact("host", rule.host.clone());
        self.owners(&mut node, key, "subsets");
        let subsets = rule.body.subsets.iter().enumerate();
        node.children = subsets
            .map(|(index, subset)| {
                subset_node(rule, index, subset, format!("subset {}", subset.name))
            })
            .collect();
        node
    }

    /// A Service and what it selects.
    pub(super) fn service(
        &self,
        service: Typed<'a, Service>,
        role: Option<(&Flow<'a>, ServiceRole)>,
    ) -> Node {
        let key = &service.meta.key;
        let mut node = Node::of_object(key);
        node.fact("selects", selector(service.selector.as_ref()));
        if let Some((flow, role)) = role {
            node.mark = service_mark(flow, role);
            self.pods(&mut node, flow.key(), service.selector.as_ref());
        }
        self.owners(&mut node, key, "selector");
        node
    }

    /// The ready pods of the revision that the labels select.
    fn pods(&self, node: &mut Node, rollout: &Key, labels: Option<&Labels>) {
        let hash = labels.and_then(|labels| labels.get(HASH_LABEL));
        let ready = hash.and_then(|hash| self.details.ready(rollout, hash));
        node.fact("pods", ready.unwrap_or_default());
    }
}

/// A subset and what it selects.
fn subset_node(
    rule: Typed<'_, DestinationRule>,
    index: usize,
    subset: &Subset,
    title: String,
) -> Node {
    let path = Path::spec(["subsets"]).index(index);
    let mut node = Node::of_field(title, &rule.meta.key, path);
    node.fact("selects", selector(subset.labels.as_ref()));
    node
}

/// The managed routes of a VirtualService, by list and index.
fn managed<'a>(
    service: Typed<'a, VirtualService>,
    (owner, link): Link<'_, 'a>,
) -> BTreeSet<(List, usize)> {
    let flow = owner.flow;
    let reference = link.reference;
    let routes = ManagedRoute::weighted(flow.rollout.body, service.body, reference, flow.argo());
    routes
        .iter()
        .map(|route| (route.list, route.index))
        .collect()
}

fn routes(service: Typed<'_, VirtualService>) -> Vec<Route<'_>> {
    let body = service.body;
    let http = body.http().iter().enumerate().map(|(index, route)| Route {
        list: List::Http,
        index,
        name: &route.name,
        destinations: route.route.as_deref().unwrap_or_default(),
        http: Some(route),
    });
    let l4 = [(List::Tls, body.tls()), (List::Tcp, body.tcp())];
    let l4 = l4.into_iter().flat_map(|(list, routes)| {
        routes.iter().enumerate().map(move |(index, route)| Route {
            list,
            index,
            name: "",
            destinations: route.route.as_deref().unwrap_or_default(),
            http: None,
        })
    });
    http.chain(l4).collect()
}

/// Istio sends everything to an only destination without a weight.
fn weight(entry: &RouteDestination, all: &[RouteDestination]) -> Fact {
    let weight = entry.weight.unwrap_or(if all.len() == 1 { 100 } else { 0 });
    fact("weight", format!("{weight} %"))
}

fn fact(name: &'static str, text: String) -> Fact {
    Fact { name, text }
}

/// `app=shop, rollouts-pod-template-hash=6c8f`, the hash last.
fn selector(labels: Option<&Labels>) -> String {
    let mut sorted: BTreeMap<bool, Vec<String>> = BTreeMap::new();
    for (name, value) in labels.into_iter().flatten() {
        let pair = format!("{name}={value}");
        sorted.entry(name == HASH_LABEL).or_default().push(pair);
    }
    sorted
        .into_values()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
