//! Istio's VirtualService: hosts, gateways, and every route with its destinations.

use std::collections::BTreeSet;

use super::reader::Reader;
use crate::field::Path;
use crate::managed_fields;

/// A VirtualService, whose managed routes' weights the controller writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualService {
    /// As they are written; empty for a delegate.
    pub hosts: Vec<String>,
    /// `name`, `namespace/name`, `./name` or `mesh`; empty: `mesh`.
    pub gateways: Vec<String>,
    /// Namespaces, `.` or `*`; empty: all.
    pub export_to: Vec<String>,
    /// `None` if absent. For the controller that differs from `[]`.
    pub http: Option<Vec<HttpRoute>>,
    /// `None` if absent. At `[]` the controller panics.
    pub tls: Option<Vec<L4Route>>,
    /// `None` if absent. At `[]` the controller panics.
    pub tcp: Option<Vec<L4Route>>,
    /// The field managers that own a list of routes, or a part of it.
    pub route_managers: BTreeSet<String>,
    /// Somebody applies the object server-side, and nobody owns one of the lists: the controller has given it up.
    pub routes_given_up: bool,
}

/// An http route. Istio takes the first one that matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRoute {
    /// Empty if absent; the controller takes the first of a name.
    pub name: String,
    /// It has no conditions.
    pub matches_all: bool,
    /// `None` if absent.
    pub route: Option<Vec<RouteDestination>>,
    /// `redirect` is set, so that it has no destinations.
    pub redirect: bool,
    /// `directResponse` is set, so that it has no destinations.
    pub direct_response: bool,
    /// Another VirtualService has its routes.
    pub delegate: Option<Delegate>,
    /// Gets a copy of each request; nobody gets its response.
    pub mirror: Option<Destination>,
    /// A `None` element has no `destination`.
    pub mirrors: Vec<Option<Destination>>,
}

/// A tls or a tcp route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L4Route {
    /// One of them must match; empty: all connections.
    pub matches: Vec<L4Match>,
    /// `None` if absent, which Istio refuses.
    pub route: Option<Vec<RouteDestination>>,
}

/// One entry of `match`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct L4Match {
    /// 0 if absent, as the controller reads it.
    pub port: i64,
    /// Always empty for tcp.
    pub sni_hosts: Vec<String>,
}

/// An entry of `route`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteDestination {
    /// `None` if absent, which Istio refuses.
    pub destination: Option<Destination>,
    /// Per cent; `None`: 0, or all if it is the only entry.
    pub weight: Option<i64>,
}

/// Where requests go: a host, or one subset of its endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// As it is written; [`super::Host::resolve`] completes it.
    pub host: String,
    /// Empty if absent.
    pub subset: String,
    /// `None`: the only port of the host.
    pub port: Option<i64>,
}

/// A reference to a VirtualService without hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delegate {
    /// Of the VirtualService without hosts that has the routes.
    pub name: String,
    /// Empty: the VirtualService's own namespace.
    pub namespace: String,
}

impl VirtualService {
    pub(super) fn read(root: &Reader<'_>) -> Self {
        let spec = root.get("spec");
        Self {
            hosts: spec.get("hosts").strings().unwrap_or_default(),
            gateways: spec.get("gateways").strings().unwrap_or_default(),
            export_to: spec.get("exportTo").strings().unwrap_or_default(),
            http: spec.get("http").objects(HttpRoute::read),
            tls: spec.get("tls").objects(L4Route::read),
            tcp: spec.get("tcp").objects(L4Route::read),
            routes_given_up: ["http", "tls", "tcp"].into_iter().any(|list| {
                let written = spec.raw().get(list).is_some();
                written && managed_fields::is_given_up(root.raw(), "", &["spec", list])
            }),
            route_managers: ["http", "tls", "tcp"]
                .into_iter()
                .flat_map(|list| managed_fields::part_owners(root.raw(), ["spec", list]))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether sidecars apply it: it has no gateways, or `mesh` is one of them.
    pub fn is_mesh(&self) -> bool {
        self.gateways.is_empty() || self.gateways.iter().any(|gateway| gateway == MESH)
    }

    /// Whether others delegate to it: to Istio, a VirtualService without hosts is a delegate.
    pub fn is_delegate(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Empty if absent too.
    pub fn http(&self) -> &[HttpRoute] {
        self.http.as_deref().unwrap_or_default()
    }

    /// Empty if absent too.
    pub fn tls(&self) -> &[L4Route] {
        self.tls.as_deref().unwrap_or_default()
    }

    /// Empty if absent too.
    pub fn tcp(&self) -> &[L4Route] {
        self.tcp.as_deref().unwrap_or_default()
    }

    /// All lists of weighted destinations, with the paths of their `route` fields.
    pub fn routes(&self) -> impl Iterator<Item = (Path, &[RouteDestination])> {
        let http = self.http().iter().map(|route| route.route.as_deref());
        let tls = self.tls().iter().map(|route| route.route.as_deref());
        let tcp = self.tcp().iter().map(|route| route.route.as_deref());
        let named = |name| move |(index, route)| (name, index, route);
        let http = http.enumerate().map(named("http"));
        let tls = tls.enumerate().map(named("tls"));
        let tcp = tcp.enumerate().map(named("tcp"));
        http.chain(tls)
            .chain(tcp)
            .filter_map(|(list, index, route)| {
                let route = route?;
                Some((Path::spec([list]).index(index).field("route"), route))
            })
    }

    /// All destinations, mirrors too, with the paths of their `destination` objects.
    pub fn destinations(&self) -> impl Iterator<Item = (Path, &Destination)> {
        let routed = self.routes().flat_map(|(path, route)| {
            let destinations = route.iter().enumerate();
            destinations.filter_map(move |(index, weighted)| {
                let destination = weighted.destination.as_ref()?;
                Some((path.index(index).field("destination"), destination))
            })
        });
        routed.chain(self.mirrors())
    }

    /// The mirror destinations, with the path of each.
    pub fn mirrors(&self) -> impl Iterator<Item = (Path, &Destination)> {
        let routes = self.http().iter().enumerate();
        routes.flat_map(|(index, route)| {
            let path = move || Path::spec(["http"]).index(index);
            let mirror = route.mirror.iter();
            let mirror = mirror.map(move |to| (path().field("mirror"), to));
            let mirrors = route.mirrors.iter().enumerate();
            mirror.chain(mirrors.filter_map(move |(index, to)| {
                let to = to.as_ref()?;
                let path = path().field("mirrors").index(index);
                Some((path.field("destination"), to))
            }))
        })
    }
}

impl HttpRoute {
    fn read(route: &Reader<'_>) -> Self {
        let delegate = route.get("delegate");
        let mirror = route.get("mirror");
        Self {
            name: route.get("name").string().unwrap_or_default(),
            matches_all: matches_all(&route.get("match")),
            route: route.get("route").objects(RouteDestination::read),
            redirect: route.get("redirect").object(),
            direct_response: route.get("directResponse").object(),
            delegate: delegate.object().then(|| Delegate {
                name: delegate.get("name").string().unwrap_or_default(),
                namespace: delegate.get("namespace").string().unwrap_or_default(),
            }),
            mirror: mirror.object().then(|| Destination::read(&mirror)),
            mirrors: route
                .get("mirrors")
                .objects(|mirror| RouteDestination::read(mirror).destination)
                .unwrap_or_default(),
        }
    }
}

/// Whether a `match` has no conditions: it has no entry, or one that any request meets.
fn matches_all(matches: &Reader<'_>) -> bool {
    if !matches.says_something() {
        return true;
    }
    let entries = matches.list(|entry| {
        let uri = entry.get("uri");
        let any_path = !uri.has_fields() || uri.get("prefix").string().as_deref() == Some("/");
        let others = CONDITIONS
            .iter()
            .any(|field| entry.get(field).says_something());
        entry.object() && any_path && !others
    });
    entries.is_some_and(|entries| entries.contains(&true))
}

impl L4Route {
    fn read(route: &Reader<'_>) -> Self {
        Self {
            matches: route
                .get("match")
                .objects(|entry| L4Match {
                    port: entry.get("port").int().unwrap_or_default(),
                    sni_hosts: entry.get("sniHosts").strings().unwrap_or_default(),
                })
                .unwrap_or_default(),
            route: route.get("route").objects(RouteDestination::read),
        }
    }
}

impl RouteDestination {
    fn read(entry: &Reader<'_>) -> Self {
        let destination = entry.get("destination");
        Self {
            destination: destination
                .object()
                .then(|| Destination::read(&destination)),
            weight: entry.get("weight").int(),
        }
    }
}

impl Destination {
    fn read(destination: &Reader<'_>) -> Self {
        let port = destination.get("port");
        Self {
            host: destination.get("host").string().unwrap_or_default(),
            subset: destination.get("subset").string().unwrap_or_default(),
            port: port.object().then(|| port.get("number").port()).flatten(),
        }
    }

    /// The part of the host before the first dot, by which the controller matches Services. It is empty if the
    /// host begins with a dot; the controller ignores such a destination.
    pub fn service_name(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }
}

/// The reserved gateway name for all sidecars.
const MESH: &str = "mesh";

/// The conditions of an entry in `match`, other than `uri`.
const CONDITIONS: [&str; 10] = [
    "scheme",
    "method",
    "authority",
    "headers",
    "port",
    "sourceLabels",
    "gateways",
    "queryParams",
    "withoutHeaders",
    "sourceNamespace",
];
