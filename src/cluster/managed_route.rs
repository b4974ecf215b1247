//! Which routes of a VirtualService the controller of a Rollout manages.

use std::collections::BTreeSet;

use super::argo::ArgoVersion;
use crate::field::Path;
use crate::model::{
    HttpRoute, L4Route, Rollout, RouteDestination, TcpRouteRef, TlsRouteRef, VirtualService,
    VirtualServiceRef,
};

/// A list of routes in a VirtualService.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    Http,
    Tls,
    Tcp,
}

/// A route whose weights the controller writes.
#[derive(Clone, Copy, Debug)]
pub struct ManagedRoute<'a> {
    pub list: List,
    pub index: usize,
    /// Empty for tls and tcp, and for an unnamed http route.
    pub name: &'a str,
    pub destinations: &'a [RouteDestination],
}

impl<'a> ManagedRoute<'a> {
    /// The routes that the controller validates: those that the reference lists, otherwise the only or the
    /// first unnamed one. Listed routes that do not exist are left out.
    pub fn validated(
        service: &'a VirtualService,
        reference: &VirtualServiceRef,
        argo: ArgoVersion,
    ) -> Vec<Self> {
        let http = http_route_indexes(&reference.routes, service.http(), argo);
        let mut routes = of_http(service.http(), http);
        routes.extend(l4_routes(service, reference, argo));
        routes
    }

    /// The routes whose weights are the controller's: the validated ones and the mirror routes that it
    /// inserted. With no `routes` listed, the only route of the user is one of them even beside inserted
    /// routes: the controller no longer writes it then, but the weights that it wrote are in force.
    pub fn weighted(
        rollout: &Rollout,
        service: &'a VirtualService,
        reference: &VirtualServiceRef,
        argo: ArgoVersion,
    ) -> Vec<Self> {
        let routes = service.http();
        let mut http = http_route_indexes(&reference.routes, routes, argo);
        let inserted = inserted_routes(rollout, argo);
        let inserted = |route: &HttpRoute| inserted.contains(&route.name);
        let (inserted, users): (Vec<_>, Vec<_>) = routes
            .iter()
            .enumerate()
            .partition(|(_, route)| inserted(route));
        let mirrors = inserted.iter().filter(|(_, route)| route.mirror.is_some());
        http.extend(mirrors.map(|(index, _)| index));
        if let ([(only, route)], true) = (users.as_slice(), reference.routes.is_empty())
            && (route.name.is_empty() || !argo.passes_over_named_routes())
        {
            http.push(*only);
        }
        http.sort_unstable();
        http.dedup();
        let mut routes = of_http(routes, http);
        routes.extend(l4_routes(service, reference, argo));
        routes
    }

    /// Its weighted destinations, with the path of each.
    pub fn entries(&self) -> impl Iterator<Item = (Path, &'a RouteDestination)> {
        let path = self.path().field("route");
        let entries = self.destinations.iter().enumerate();
        entries.map(move |(index, entry)| (path.index(index), entry))
    }

    /// `spec.http[0]`.
    pub fn path(&self) -> Path {
        Path::spec([self.list.field()]).index(self.index)
    }

    /// `primary`, or `tls[0]` for a route without a name, in backquotes.
    pub fn label(&self) -> String {
        if self.name.is_empty() {
            format!("`{}[{}]`", self.list.field(), self.index)
        } else {
            format!("`{}`", self.name)
        }
    }
}

impl List {
    pub const ALL: [List; 3] = [List::Http, List::Tls, List::Tcp];

    /// Whether the reference lists routes of this list. Otherwise the controller chooses one itself.
    pub fn is_listed(self, reference: &VirtualServiceRef) -> bool {
        match self {
            List::Http => !reference.routes.is_empty(),
            List::Tls => !reference.tls_routes.is_empty(),
            List::Tcp => !reference.tcp_routes.is_empty(),
        }
    }

    /// Whether the controller reads routes of this list at all.
    pub fn is_managed_by(self, argo: ArgoVersion) -> bool {
        self != List::Tcp || argo.manages_tcp_routes()
    }

    /// The field of the reference that lists them.
    pub fn reference_field(self) -> &'static str {
        match self {
            List::Http => "routes",
            List::Tls => "tlsRoutes",
            List::Tcp => "tcpRoutes",
        }
    }

    pub fn field(self) -> &'static str {
        match self {
            List::Http => "http",
            List::Tls => "tls",
            List::Tcp => "tcp",
        }
    }
}

/// The names of the routes that the controller inserts.
pub(super) fn inserted_routes(rollout: &Rollout, argo: ArgoVersion) -> &[String] {
    if argo.inserts_managed_routes() {
        rollout.managed_routes()
    } else {
        &[]
    }
}

/// The first route of each name; without names the only route, otherwise the first unnamed one.
fn http_route_indexes(names: &[String], routes: &[HttpRoute], argo: ArgoVersion) -> Vec<usize> {
    if names.is_empty() {
        let only = (routes.len() == 1 && !argo.passes_over_named_routes()).then_some(0);
        let unnamed = || routes.iter().position(|route| route.name.is_empty());
        return only.or_else(unnamed).into_iter().collect();
    }
    let first = |name: &String| routes.iter().position(|route| route.name == *name);
    let mut indexes: Vec<usize> = names.iter().filter_map(first).collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

/// The tls routes that an entry lists: all matches have the entry's port, and together its SNI hosts.
pub fn tls_route_indexes(entry: &TlsRouteRef, routes: &[L4Route]) -> Vec<usize> {
    let takes = |route: &L4Route| {
        let hosts: BTreeSet<&String> = route.matches.iter().flat_map(|m| &m.sni_hosts).collect();
        // The controller compares lengths before sets: an entry that repeats a host lists no route.
        only_port(route) == Some(entry.port)
            && entry.sni_hosts.len() == hosts.len()
            && hosts.iter().all(|host| entry.sni_hosts.contains(host))
    };
    indexes_of(routes, takes)
}

/// The tcp routes that an entry lists: all matches have the entry's port.
pub fn tcp_route_indexes(entry: &TcpRouteRef, routes: &[L4Route]) -> Vec<usize> {
    indexes_of(routes, |route| only_port(route) == Some(entry.port))
}

fn indexes_of(routes: &[L4Route], takes: impl Fn(&L4Route) -> bool) -> Vec<usize> {
    let routes = routes.iter().enumerate();
    routes
        .filter(|(_, route)| takes(route))
        .map(|(index, _)| index)
        .collect()
}

/// The port of all matches, 0 without any; `None` if there are several.
fn only_port(route: &L4Route) -> Option<i64> {
    let mut ports = route.matches.iter().map(|entry| entry.port);
    let first = ports.next().unwrap_or_default();
    ports.all(|port| port == first).then_some(first)
}

fn l4_routes<'a>(
    service: &'a VirtualService,
    reference: &VirtualServiceRef,
    argo: ArgoVersion,
) -> Vec<ManagedRoute<'a>> {
    let tls = listed(&reference.tls_routes, service.tls(), tls_route_indexes);
    let tcp = listed(&reference.tcp_routes, service.tcp(), tcp_route_indexes);
    let mut routes = of_l4(List::Tls, service.tls(), tls);
    if List::Tcp.is_managed_by(argo) {
        routes.extend(of_l4(List::Tcp, service.tcp(), tcp));
    }
    routes
}

/// The routes that the entries list, or the first route without entries.
fn listed<T>(
    entries: &[T],
    routes: &[L4Route],
    take: fn(&T, &[L4Route]) -> Vec<usize>,
) -> BTreeSet<usize> {
    if entries.is_empty() {
        return (!routes.is_empty()).then_some(0).into_iter().collect();
    }
    entries
        .iter()
        .flat_map(|entry| take(entry, routes))
        .collect()
}

fn of_http(routes: &[HttpRoute], indexes: Vec<usize>) -> Vec<ManagedRoute<'_>> {
    let routes = indexes.into_iter().filter_map(|index| {
        let route = routes.get(index)?;
        Some(ManagedRoute {
            list: List::Http,
            index,
            name: &route.name,
            destinations: route.route.as_deref().unwrap_or_default(),
        })
    });
    routes.collect()
}

fn of_l4(list: List, routes: &[L4Route], indexes: BTreeSet<usize>) -> Vec<ManagedRoute<'_>> {
    let routes = indexes.into_iter().filter_map(|index| {
        let route = routes.get(index)?;
        Some(ManagedRoute {
            list,
            index,
            name: "",
            destinations: route.route.as_deref().unwrap_or_default(),
        })
    });
    routes.collect()
}
