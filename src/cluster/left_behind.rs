//! A VirtualService that a Rollout stopped naming in the middle of a release. If what the Rollout names now does not exist,
//! the controller refuses it, and the weights that it wrote last stay in force where they are.

use std::collections::BTreeSet;

use super::flow::Flow;
use super::view::View;
use crate::model::{Host, Key, Kind, Typed, VirtualService};

impl<'a> View<'a> {
    /// The flow whose weights the VirtualService still has: its release is under way, none of the VirtualServices that it
    /// names exists, and this one, which no Rollout names, sends to what it names. `service`: as it is stored. `None`
    /// unless the list of routes is still as the controller wrote it, and if several flows could have left it.
    pub fn flow_that_left(&self, service: Typed<'_, VirtualService>) -> Option<Flow<'a>> {
        let key = &service.meta.key;
        let manager = &self.mesh().controller_manager;
        let is_the_controllers =
            service.routes_given_up || service.route_managers.contains(manager);
        // Of files, what is missing may be elsewhere.
        let is_whole = self.mesh().live || self.mesh().complete;
        let is_named = || self.naming(key).any(|name| name.kind == Kind::Rollout);
        if !is_whole || !is_the_controllers || is_named() {
            return None;
        }
        let flows = self.named_behind(service).into_iter().filter_map(|name| {
            let flow = Flow::of(self.rollout(name)?, *self);
            let names_any = flow.virtual_service_links().next().is_some();
            let is_lost = names_any && flow.virtual_services().next().is_none();
            (is_lost && flow.is_in_progress()).then_some(flow)
        });
        let mut flows = flows.take(2);
        flows.next().filter(|_| flows.next().is_none())
    }

    /// The Rollouts of its namespace that name a Service or DestinationRule of its destinations.
    fn named_behind(&self, service: Typed<'_, VirtualService>) -> BTreeSet<&'a Key> {
        let namespace = service.meta.namespace();
        let destinations = service.body.destinations();
        let hosts: BTreeSet<Host> = destinations
            .map(|(_, to)| self.resolve(&to.host, namespace))
            .collect();
        let mut rollouts = BTreeSet::new();
        for host in &hosts {
            let named = host.service(&self.mesh().domain);
            let named = named.map(|(namespace, name)| Key::new(Kind::Service, namespace, name));
            let rules = self.rules_governing(host).into_iter();
            for object in rules.map(|rule| rule.meta.key.clone()).chain(named) {
                let own = self
                    .naming(&object)
                    .filter(|name| name.kind == Kind::Rollout && *name.namespace == *namespace);
                rollouts.extend(own);
            }
        }
        rollouts
    }
}
