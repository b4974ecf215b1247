//! A VirtualService: its routes, and where their destinations lead.

use std::collections::BTreeSet;

use super::builder::Builder;
use super::flow::Owner;
use super::node::{Fact, Node};
use crate::cluster::reference::VirtualServiceLink;
use crate::cluster::{List, ManagedRoute};
use crate::field::Path;
use crate::model::{HttpRoute, Key, Kind, RouteDestination, Typed, VirtualService};
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
