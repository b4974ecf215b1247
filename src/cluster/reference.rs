//! The references of an object, resolved to keys, with the paths of the fields. Whether the objects exist is
//! not asked here.

use std::collections::HashMap;
use std::sync::Arc;

use super::argo::ArgoVersion;
use super::service_role::ServiceRole;
use crate::field::Path;
use crate::model::{
    DestinationRuleRef, Istio, Key, Kind, Rollout, Typed, VirtualService, VirtualServiceRef, Watch,
};

/// A Rollout's reference to a VirtualService.
#[derive(Clone, Debug)]
pub struct VirtualServiceLink<'a> {
    /// The reference with its lists of routes.
    pub reference: &'a VirtualServiceRef,
    /// The first reference with the same name without namespace. The controller validates with its lists too.
    pub first: &'a VirtualServiceRef,
    /// In `virtualServices`; `None`: it is `virtualService`.
    index: Option<usize>,
    first_index: Option<usize>,
    /// The object that the name means to this version of the controller.
    pub key: Key,
}

/// A Rollout's reference to a DestinationRule.
#[derive(Clone, Debug)]
pub struct DestinationRuleLink<'a> {
    /// The reference with its subsets' names.
    pub reference: &'a DestinationRuleRef,
    /// The DestinationRule of that name in the Rollout's namespace: dots are part of the name.
    pub key: Key,
}

/// A Rollout's reference to one of the six Services.
#[derive(Clone, Debug)]
pub struct ServiceLink {
    /// The role that the field gives the Service.
    pub role: ServiceRole,
    /// The Service of that name in the Rollout's namespace.
    pub key: Key,
}

/// The references to VirtualServices that the controller follows, without those that have no name.
pub fn virtual_services(
    rollout: Typed<'_, Rollout>,
    argo: ArgoVersion,
) -> impl Iterator<Item = VirtualServiceLink<'_>> {
    let istio = rollout.body.istio().into_iter();
    let references = istio.flat_map(Istio::references);
    let is_only = references.clone().nth(1).is_none();
    let keyed = references.map(move |reference| {
        let key = virtual_service_key(&reference.1.name, &rollout.meta.key, argo);
        (reference, key)
    });
    let mut firsts: HashMap<Arc<str>, (Option<usize>, &VirtualServiceRef)> = HashMap::new();
    // One alone is the first of its name.
    if !is_only {
        for (reference, key) in keyed.clone() {
            firsts.entry(key.name).or_insert(reference);
        }
    }
    keyed
        .filter(|((_, reference), _)| !reference.name.is_empty())
        .map(move |((index, reference), key)| {
            let first = firsts.get(&key.name).copied();
            let (first_index, first) = first.unwrap_or((index, reference));
            VirtualServiceLink {
                reference,
                first,
                index,
                first_index,
                key,
            }
        })
}

/// The path of `virtualService`, or of the element of `virtualServices`.
fn virtual_service_path(index: Option<usize>) -> Path {
    match index {
        None => istio_path().field("virtualService"),
        Some(index) => istio_path().field("virtualServices").index(index),
    }
}

/// The key of `name` or `name.namespace`, as the controller splits it (`GetVirtualServiceNamespaceName`).
pub fn virtual_service_key(name: &str, rollout: &Key, argo: ArgoVersion) -> Key {
    let (name, elsewhere) = if argo.splits_dotted_names_at_last_dot() {
        let plain = name.strip_suffix(".cluster.local").unwrap_or(name);
        plain.rsplit_once('.').unwrap_or((plain, ""))
    } else {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        (first, rest.split('.').next().unwrap_or_default())
    };
    if elsewhere.is_empty() {
        rollout.beside(Kind::VirtualService, name)
    } else {
        Key::new(Kind::VirtualService, elsewhere, name)
    }
}

/// The reference to the DestinationRule, which is always in the Rollout's namespace.
pub fn destination_rule(rollout: Typed<'_, Rollout>) -> Option<DestinationRuleLink<'_>> {
    let reference = rollout.body.istio()?.destination_rule.as_ref()?;
    (!reference.name.is_empty()).then(|| DestinationRuleLink {
        reference,
        key: rollout
            .meta
            .key
            .beside(Kind::DestinationRule, &reference.name),
    })
}

/// The Services that the Rollout names, without empty names.
pub fn services(rollout: Typed<'_, Rollout>) -> impl Iterator<Item = ServiceLink> {
    let canary = rollout.body.canary.iter().flat_map(|canary| {
        let pair = canary.ping_pong.as_ref();
        [
            (ServiceRole::Canary, Some(&canary.canary_service)),
            (ServiceRole::Stable, Some(&canary.stable_service)),
            (ServiceRole::Ping, pair.map(|pair| &pair.ping_service)),
            (ServiceRole::Pong, pair.map(|pair| &pair.pong_service)),
        ]
    });
    let blue_green = rollout.body.blue_green.iter().flat_map(|blue_green| {
        [
            (ServiceRole::Active, Some(&blue_green.active_service)),
            (ServiceRole::Preview, Some(&blue_green.preview_service)),
        ]
    });
    let named = canary
        .chain(blue_green)
        .filter_map(|(role, name)| Some((role, name?)));
    named
        .filter(|(_, name)| !name.is_empty())
        .map(|(role, name)| ServiceLink {
            role,
            key: rollout.meta.key.beside(Kind::Service, name),
        })
}

/// The VirtualServices, the DestinationRule and the Services that the Rollout names, with the path of each name.
pub fn named(rollout: Typed<'_, Rollout>, argo: ArgoVersion) -> impl Iterator<Item = (Path, Key)> {
    let virtual_services =
        virtual_services(rollout, argo).map(|link| (link.path().field("name"), link.key));
    let rule = destination_rule(rollout).map(|link| (link.path().field("name"), link.key));
    let services = services(rollout).map(|link| (link.path(), link.key));
    virtual_services.chain(rule).chain(services)
}

/// The workload whose template the Rollout uses, if the controller supports its kind.
pub fn workload(rollout: Typed<'_, Rollout>) -> Option<Key> {
    let reference = rollout.workload_ref.as_ref()?;
    let kind = Kind::of(&reference.api_version, &reference.kind)?;
    let takes = kind.watch() == Watch::WorkloadRef;
    takes.then(|| rollout.meta.key.beside(kind, &reference.name))
}

/// The analysis templates that the Rollout names, without empty names, with the path of each name.
pub fn analysis_templates(rollout: Typed<'_, Rollout>) -> impl Iterator<Item = (Path, Key)> {
    let named = rollout.body.analysis_templates();
    let named = named.filter(|(_, template)| !template.name.is_empty());
    named.map(move |(path, template)| {
        let (kind, namespace) = if template.cluster_scope {
            (Kind::ClusterAnalysisTemplate, "")
        } else {
            (Kind::AnalysisTemplate, rollout.meta.namespace())
        };
        let key = Key::new(kind, namespace, &template.name);
        (path.field("templateName"), key)
    })
}

/// The ReplicaSet of the Rollout's revision with this hash.
pub fn revision(rollout: Typed<'_, Rollout>, hash: &str) -> Key {
    let name = format!("{}-{hash}", rollout.meta.name());
    rollout.meta.key.beside(Kind::Revision, &name)
}

/// The delegates of the http routes, with the path of each `delegate`.
pub fn delegates(service: Typed<'_, VirtualService>) -> impl Iterator<Item = (Path, Key)> {
    let routes = service.body.http().iter().enumerate();
    routes.filter_map(|(index, route)| {
        let delegate = route.delegate.as_ref()?;
        let namespace = match delegate.namespace.as_str() {
            "" => service.meta.namespace(),
            elsewhere => elsewhere,
        };
        let path = Path::spec(["http"]).index(index).field("delegate");
        Some((
            path,
            Key::new(Kind::VirtualService, namespace, &delegate.name),
        ))
    })
}

/// The Gateways that the VirtualService names, without `mesh`: `ns/name`, `name`, or the legacy
/// `name.ns.svc.<domain>`.
pub fn gateways(service: Typed<'_, VirtualService>) -> impl Iterator<Item = (Path, Key)> {
    let named = service.body.gateways.iter().enumerate();
    named
        .filter(|(_, name)| *name != "mesh")
        .map(move |(index, name)| {
            let path = Path::spec(["gateways"]).index(index);
            let namespace = service.meta.namespace();
            let (namespace, name) = match name.split_once('/') {
                Some((".", name)) => (namespace, name),
                Some(both) => both,
                None => legacy_gateway(name, namespace),
            };
            (path, Key::new(Kind::Gateway, namespace, name))
        })
}

/// A name with a dot is `name.namespace`, whatever follows (istiod's `resolveGatewayName`).
fn legacy_gateway<'a>(name: &'a str, namespace: &'a str) -> (&'a str, &'a str) {
    let mut parts = name.split('.');
    match (parts.next(), parts.next()) {
        (Some(short), Some(elsewhere)) => (elsewhere, short),
        _ => (namespace, name),
    }
}

impl<'a> VirtualServiceLink<'a> {
    /// The references whose lists the controller validates the VirtualService with, and the path of each: this
    /// one, and the first with the same name without namespace.
    pub fn lists(&self) -> impl Iterator<Item = (Path, &'a VirtualServiceRef)> {
        let own = (self.index, self.reference);
        let first = (self.first_index, self.first);
        let others = (self.index != self.first_index).then_some(first);
        let lists = std::iter::once(own).chain(others);
        lists.map(|(index, reference)| (virtual_service_path(index), reference))
    }

    /// `virtualService`, or the element of `virtualServices`.
    pub fn path(&self) -> Path {
        virtual_service_path(self.index)
    }
}

impl DestinationRuleLink<'_> {
    /// The field that holds the reference.
    pub fn path(&self) -> Path {
        istio_path().field("destinationRule")
    }
}

impl ServiceLink {
    /// The field that holds the name.
    pub fn path(&self) -> Path {
        self.role.path()
    }
}

/// `spec.strategy.canary.trafficRouting.istio`.
pub fn istio_path() -> Path {
    Path::spec(["strategy", "canary", "trafficRouting", "istio"])
}

#[cfg(test)]
#[path = "../../tests/unit/cluster/reference.rs"]
mod tests;
