//! Which routes of a VirtualService the controller of a Rollout manages.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::argo::ArgoVersion;
use crate::field::Path;
use crate::model::{
    HttpRoute, L4Route, Rollout, RouteDestination, TcpRouteRef, TlsRouteRef, VirtualService,
    VirtualServiceRef,
};
use crate::text::truncate;

/// As many characters of a name are quoted in a message.
const MAX_QUOTED: usize = 253;

/// A list of routes in a VirtualService.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    /// `spec.http`, whose routes have names.
    Http,
    /// `spec.tls`, whose routes are told by port and SNI hosts.
    Tls,
    /// `spec.tcp`, whose routes are told by port.
    Tcp,
}

/// A route whose weights the controller writes.
#[derive(Clone, Copy, Debug)]
pub struct ManagedRoute<'a> {
    /// The list that it is in.
    pub list: List,
    /// Its place in the list, from 0.
    pub index: usize,
    /// Empty for tls and tcp, and for an unnamed http route.
    pub name: &'a str,
    /// Its entries in `route`, with weights in per cent.
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
        let inserted = inserted_routes(rollout, argo).iter();
        let inserted: HashSet<&String> = inserted.collect();
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

    /// All routes of the VirtualService.
    pub fn all(service: &'a VirtualService) -> Vec<Self> {
        let mut routes = of_http(service.http(), (0..service.http().len()).collect());
        let l4 = [(List::Tls, service.tls()), (List::Tcp, service.tcp())];
        routes.extend(
            l4.into_iter()
                .flat_map(|(list, routes)| of_l4(list, routes, (0..routes.len()).collect())),
        );
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
            format!("`{}`", truncate(self.name, MAX_QUOTED))
        }
    }
}

impl List {
    /// In the order in which the controller reads them.
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

    /// The field of the VirtualService.
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
    if let [name] = names {
        let first = routes.iter().position(|route| route.name == *name);
        return first.into_iter().collect();
    }
    let wanted: HashSet<&String> = names.iter().collect();
    let mut firsts = HashMap::new();
    for (index, route) in routes.iter().enumerate() {
        if wanted.contains(&route.name) {
            firsts.entry(&route.name).or_insert(index);
        }
    }
    let mut indexes: Vec<usize> = firsts.into_values().collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

/// The tls or tcp routes of a VirtualService by what an entry of the reference must say to list them.
pub struct L4Routes<'a> {
    tls: HashMap<(i64, BTreeSet<&'a str>), Vec<usize>>,
    tcp: HashMap<i64, Vec<usize>>,
}

impl<'a> L4Routes<'a> {
    /// Reads the routes once: each entry of a reference then finds its routes without a search.
    pub fn of(service: &'a VirtualService) -> Self {
        let (mut tls, mut tcp) = (HashMap::new(), HashMap::new());
        for (index, route) in service.tls().iter().enumerate() {
            let hosts = route.matches.iter().flat_map(|entry| &entry.sni_hosts);
            let hosts: BTreeSet<&str> = hosts.map(String::as_str).collect();
            if let Some(port) = only_port(route) {
                let same: &mut Vec<usize> = tls.entry((port, hosts)).or_default();
                same.push(index);
            }
        }
        for (index, route) in service.tcp().iter().enumerate() {
            if let Some(port) = only_port(route) {
                let same: &mut Vec<usize> = tcp.entry(port).or_default();
                same.push(index);
            }
        }
        Self { tls, tcp }
    }

    /// The tls routes that an entry lists: all matches have the entry's port, and together its SNI hosts.
    pub fn tls<'r>(&'r self, entry: &'r TlsRouteRef) -> &'r [usize] {
        let hosts: BTreeSet<&str> = entry.sni_hosts.iter().map(String::as_str).collect();
        // The controller compares lengths before sets: an entry that repeats a host lists no route.
        if hosts.len() != entry.sni_hosts.len() {
            return &[];
        }
        let routes = self.tls.get(&(entry.port, hosts));
        routes.map_or(&[], Vec::as_slice)
    }

    /// The tcp routes that an entry lists: all matches have the entry's port.
    pub fn tcp(&self, entry: &TcpRouteRef) -> &[usize] {
        self.tcp.get(&entry.port).map_or(&[], Vec::as_slice)
    }
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
    let l4 = L4Routes::of(service);
    let tls = listed(&reference.tls_routes, service.tls(), |entry| l4.tls(entry));
    let tcp = listed(&reference.tcp_routes, service.tcp(), |entry| l4.tcp(entry));
    let mut routes = of_l4(List::Tls, service.tls(), tls);
    if List::Tcp.is_managed_by(argo) {
        routes.extend(of_l4(List::Tcp, service.tcp(), tcp));
    }
    routes
}

/// The routes that the entries list, or the first route without entries.
fn listed<'r, T>(
    entries: &'r [T],
    routes: &[L4Route],
    take: impl Fn(&'r T) -> &'r [usize],
) -> BTreeSet<usize> {
    if entries.is_empty() {
        return (!routes.is_empty()).then_some(0).into_iter().collect();
    }
    entries.iter().flat_map(take).copied().collect()
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
