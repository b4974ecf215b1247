//! A flow: one Rollout and the objects that it routes through, as a view has them.

use std::collections::HashSet;

use super::argo::ArgoVersion;
use super::managed_route::{ManagedRoute, inserted_routes};
use super::reference::{self, DestinationRuleLink, ServiceLink, VirtualServiceLink};
use super::role::Roles;
use super::view::View;
use crate::model::{
    Canary, Destination, DestinationRule, Host, HttpRoute, Key, Labels, Rollout, Service, Typed,
    VirtualService, VirtualServiceRef,
};

/// One Rollout in a view.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    /// The Rollout that names the other objects.
    pub rollout: Typed<'a, Rollout>,
    /// The cluster in which its references resolve.
    pub view: View<'a>,
}

/// A reference to a VirtualService that exists.
#[derive(Clone, Debug)]
pub struct LinkedVirtualService<'a> {
    /// The field of the Rollout, and the key that its version of the controller reads in it.
    pub link: VirtualServiceLink<'a>,
    /// The VirtualService with that key.
    pub service: Typed<'a, VirtualService>,
    /// The version of the controller.
    pub argo: ArgoVersion,
}

/// A reference to a DestinationRule that exists.
#[derive(Clone, Debug)]
pub struct LinkedDestinationRule<'a> {
    /// The field of the Rollout. The key is always of the Rollout's namespace.
    pub link: DestinationRuleLink<'a>,
    /// The DestinationRule with that key.
    pub rule: Typed<'a, DestinationRule>,
}

/// A reference to a Service that exists.
#[derive(Clone, Debug)]
pub struct LinkedService<'a> {
    /// The field of the Rollout, and the role that it gives the Service.
    pub link: ServiceLink,
    /// The Service with that key.
    pub service: Typed<'a, Service>,
}

impl<'a> Flow<'a> {
    /// The flow of a Rollout. Nothing is resolved yet.
    pub fn of(rollout: Typed<'a, Rollout>, view: View<'a>) -> Self {
        Self { rollout, view }
    }

    /// The key of the Rollout.
    pub fn key(&self) -> &'a Key {
        &self.rollout.meta.key
    }

    /// `None` for blue-green, and without a strategy.
    pub fn canary(&self) -> Option<&'a Canary> {
        self.rollout.body.canary.as_ref()
    }

    /// The version of its controller.
    pub fn argo(&self) -> ArgoVersion {
        self.view.mesh().argo_version
    }

    /// The references to VirtualServices that its controller follows.
    pub fn virtual_service_links(&self) -> impl Iterator<Item = VirtualServiceLink<'a>> {
        reference::virtual_services(self.rollout, self.argo())
    }

    /// The http routes of the VirtualService that are the user's: its controller does not insert them.
    pub fn user_routes(&self, service: &'a VirtualService) -> impl Iterator<Item = &'a HttpRoute> {
        let inserted: HashSet<&String> = self.inserted_routes().iter().collect();
        let routes = service.http().iter();
        routes.filter(move |route| !inserted.contains(&route.name))
    }

    /// The names of the routes that its controller inserts.
    pub fn inserted_routes(&self) -> &'a [String] {
        inserted_routes(self.rollout.body, self.argo())
    }

    /// The VirtualServices that it names and that exist.
    pub fn virtual_services(&self) -> impl Iterator<Item = LinkedVirtualService<'a>> {
        let (view, argo) = (self.view, self.argo());
        self.virtual_service_links().filter_map(move |link| {
            let service = view.virtual_service(&link.key)?;
            Some(LinkedVirtualService {
                link,
                service,
                argo,
            })
        })
    }

    /// The DestinationRule that it names, if it exists.
    pub fn destination_rule(&self) -> Option<LinkedDestinationRule<'a>> {
        let link = reference::destination_rule(self.rollout)?;
        let rule = self.view.destination_rule(&link.key)?;
        Some(LinkedDestinationRule { link, rule })
    }

    /// The Services that it names and that exist.
    pub fn services(&self) -> impl Iterator<Item = LinkedService<'a>> {
        let view = self.view;
        reference::services(self.rollout).filter_map(move |link| {
            let service = view.service(&link.key)?;
            Some(LinkedService { link, service })
        })
    }

    /// The other Rollouts that name the object, without those that are being deleted.
    pub fn others_using(&self, key: &Key) -> impl Iterator<Item = Typed<'a, Rollout>> {
        let own = self.key();
        let rollouts = self.view.some_rollouts_using(key);
        rollouts.filter(move |other| other.meta.key != *own && !other.meta.deleting)
    }

    /// How destinations get their roles; `None` if the controller tells none apart.
    pub fn roles(&self) -> Option<Roles<'a>> {
        Roles::of(self.rollout.body, self.argo())
    }

    /// The pods' labels from the template; `None` where a `workloadRef` names an unknown workload.
    pub fn pod_labels(&self) -> Option<&'a Labels> {
        if self.rollout.workload_ref.is_none() {
            return Some(&self.rollout.body.template_labels);
        }
        let workload = reference::workload(self.rollout)?;
        let workload = self.view.workload(&workload)?;
        Some(&workload.body.template_labels)
    }

    /// Labels that select all pods of the Rollout: those of its selector, or of the text form in its status,
    /// which a Rollout with a `workloadRef` has.
    pub fn match_labels(&self) -> Labels {
        let selector = self.rollout.selector.as_ref();
        match selector.filter(|selector| !selector.match_labels.is_empty()) {
            Some(selector) => selector.match_labels.clone(),
            None => equalities(&self.rollout.status.selector),
        }
    }

    /// Whether a release is under way: two revisions take traffic or are about to.
    pub fn is_in_progress(&self) -> bool {
        let status = &self.rollout.status;
        if self.rollout.meta.deleting || status.stable_rs.is_empty() {
            return false;
        }
        if status.abort && status.canary_weight() == 0 {
            return false;
        }
        status.stable_rs != status.current_pod_hash || status.canary_weight() > 0
    }
}

/// The `key=value` parts of a selector in text form, without set expressions.
fn equalities(selector: &str) -> Labels {
    let parts = selector.split(',');
    let pairs = parts.filter_map(|part| part.split_once('='));
    pairs
        .filter(|(key, value)| !key.contains([' ', '!', '(']) && !value.contains([' ', ')']))
        .map(|(key, value)| (key.to_owned(), value.trim_start_matches('=').to_owned()))
        .collect()
}

impl<'a> LinkedVirtualService<'a> {
    /// The routes that the controller validates with the lists of the reference.
    pub fn managed_routes(&self) -> Vec<ManagedRoute<'a>> {
        self.routes_validated_by(self.link.reference)
    }

    /// The routes that the controller validates with the lists of another reference.
    pub fn routes_validated_by(&self, reference: &VirtualServiceRef) -> Vec<ManagedRoute<'a>> {
        ManagedRoute::validated(self.service.body, reference, self.argo)
    }

    /// The host of a destination, as Istio resolves it from this VirtualService.
    pub fn host(&self, destination: &Destination, view: &View<'_>) -> Host {
        view.resolve(&destination.host, self.service.meta.namespace())
    }
}

impl LinkedDestinationRule<'_> {
    /// The host of the rule, as Istio resolves it.
    pub fn host(&self, view: &View<'_>) -> Host {
        view.resolve(&self.rule.host, self.rule.meta.namespace())
    }
}
