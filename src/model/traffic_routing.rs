//! How a Rollout's `trafficRouting` is read.

use super::reader::Reader;
use super::rollout::{
    DestinationRuleRef, Istio, TcpRouteRef, TlsRouteRef, TrafficRouting, VirtualServiceRef,
};

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
