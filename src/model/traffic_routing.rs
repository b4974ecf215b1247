//! A Rollout's `trafficRouting`.

use super::reader::Reader;

/// The traffic routers. Of routers other than Istio only the presence is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficRouting {
    /// `None` if absent.
    pub istio: Option<Istio>,
    /// An ingress of the AWS Load Balancer Controller.
    pub alb: bool,
    /// `alb.rootService`; empty if absent.
    pub alb_root_service: String,
    /// Service Mesh Interface.
    pub smi: bool,
    /// Apache APISIX.
    pub apisix: bool,
    /// Ambassador.
    pub ambassador: bool,
    /// ingress-nginx.
    pub nginx: bool,
    /// AWS App Mesh.
    pub app_mesh: bool,
    /// Traefik.
    pub traefik: bool,
    /// At least one plugin.
    pub plugins: bool,
    /// What 100 per cent is called; `None`: 100. Only with nginx and plugins.
    pub max_traffic_weight: Option<i64>,
    /// `None` if absent.
    pub managed_routes: Option<Vec<String>>,
}

/// `trafficRouting.istio`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Istio {
    /// `None` if absent. The controller wants one of this and the list.
    pub virtual_service: Option<VirtualServiceRef>,
    /// `None` if absent. The controller ignores an empty list, except in its index of VirtualServices.
    pub virtual_services: Option<Vec<VirtualServiceRef>>,
    /// With it the flow splits by subsets.
    pub destination_rule: Option<DestinationRuleRef>,
}

/// A VirtualService, and which of its routes the controller manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualServiceRef {
    /// `name` or `name.namespace`.
    pub name: String,
    /// Names of http routes; empty: the controller chooses one.
    pub routes: Vec<String>,
    /// Empty: the first one.
    pub tls_routes: Vec<TlsRouteRef>,
    /// Empty: the first one.
    pub tcp_routes: Vec<TcpRouteRef>,
}

/// The tls routes whose matches all have the port, and together the SNI hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsRouteRef {
    /// 0 if absent.
    pub port: i64,
    /// In any order, but none twice.
    pub sni_hosts: Vec<String>,
}

/// The tcp routes whose matches all have the port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpRouteRef {
    /// 0 if absent.
    pub port: i64,
}

/// A DestinationRule, and which of its subsets have roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationRuleRef {
    /// A name in the Rollout's namespace; dots are part of it.
    pub name: String,
    /// Empty if absent, which the controller refuses.
    pub canary_subset_name: String,
    /// Empty if absent, which the controller refuses.
    pub stable_subset_name: String,
    /// `None` if absent.
    pub additional_subset_names: Option<Vec<String>>,
}

impl TrafficRouting {
    pub(super) fn read(routing: &Reader<'_>) -> Self {
        let managed = routing.get("managedRoutes");
        let alb = routing.get("alb");
        let set = |name| routing.get(name).object();
        Self {
            istio: routing.get("istio").object_as(Istio::read),
            alb: alb.object(),
            alb_root_service: alb.get("rootService").string().unwrap_or_default(),
            smi: set("smi"),
            apisix: set("apisix"),
            ambassador: set("ambassador"),
            nginx: set("nginx"),
            app_mesh: set("appMesh"),
            traefik: set("traefik"),
            plugins: set("plugins") && routing.get("plugins").has_entries(),
            max_traffic_weight: routing.get("maxTrafficWeight").int(),
            managed_routes: managed.objects(|route| route.get("name").string().unwrap_or_default()),
        }
    }
}

impl TrafficRouting {
    /// Whether it names a router.
    pub fn has_router(&self) -> bool {
        let others = [
            self.alb,
            self.smi,
            self.apisix,
            self.ambassador,
            self.nginx,
            self.app_mesh,
            self.traefik,
            self.plugins,
        ];
        self.istio.is_some() || others.contains(&true)
    }
}

impl Istio {
    fn read(istio: &Reader<'_>) -> Self {
        Self {
            virtual_service: istio
                .get("virtualService")
                .object_as(|reference| VirtualServiceRef::read(reference)),
            virtual_services: istio
                .get("virtualServices")
                .objects(VirtualServiceRef::read),
            destination_rule: istio
                .get("destinationRule")
                .object_as(DestinationRuleRef::read),
        }
    }

    /// The references that the controller follows, with the index in `virtualServices`. There are none if both
    /// fields are set: the controller follows neither then.
    pub fn references(&self) -> impl Iterator<Item = (Option<usize>, &VirtualServiceRef)> + Clone {
        let many = self.virtual_services.as_deref().unwrap_or_default();
        let both = self.virtual_service.is_some() && !many.is_empty();
        let single = self.virtual_service.iter().filter(move |_| !both);
        let many = many.iter().enumerate().filter(move |_| !both);
        single
            .map(|reference| (None, reference))
            .chain(many.map(|(index, reference)| (Some(index), reference)))
    }
}

impl VirtualServiceRef {
    fn read(reference: &Reader<'_>) -> Self {
        let tls = reference.get("tlsRoutes").objects(|route| TlsRouteRef {
            port: route.get("port").int().unwrap_or_default(),
            sni_hosts: route.get("sniHosts").strings().unwrap_or_default(),
        });
        let tcp = reference.get("tcpRoutes").objects(|route| TcpRouteRef {
            port: route.get("port").int().unwrap_or_default(),
        });
        Self {
            name: reference.get("name").string().unwrap_or_default(),
            routes: reference.get("routes").strings().unwrap_or_default(),
            tls_routes: tls.unwrap_or_default(),
            tcp_routes: tcp.unwrap_or_default(),
        }
    }
}

impl DestinationRuleRef {
    fn read(reference: &Reader<'_>) -> Self {
        let text = |name| reference.get(name).string().unwrap_or_default();
        Self {
            name: text("name"),
            canary_subset_name: text("canarySubsetName"),
            stable_subset_name: text("stableSubsetName"),
            additional_subset_names: reference.get("additionalSubsetNames").strings(),
        }
    }
}
