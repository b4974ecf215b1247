//! Why the clients of a VirtualService do not see a subset that a DestinationRule defines.

use super::target::Target;
use crate::cluster::{ExportTo, RuleScope, is_never_merged, visible_rules};
use crate::model::{DestinationRule, Typed, VirtualService};

/// A subset that a VirtualService sends to.
pub struct SentSubset<'r, 'a> {
    pub service: Typed<'a, VirtualService>,
    pub target: &'r Target<'a>,
    pub subset: &'r str,
}

impl SentSubset<'_, '_> {
    /// Why no client sees one of the DestinationRules that define the subset; `None` if one can.
    pub fn hidden(&self, defining: &[Typed<'_, DestinationRule>]) -> Option<&'static str> {
        let clients = self.clients().into_iter();
        let reasons: Option<Vec<_>> = clients
            .map(|client| self.hidden_from(client, defining))
            .collect();
        reasons?.first().copied()
    }

    /// The VirtualService whose clients apply the route: itself, or those that delegate to it.
    fn clients(&self) -> Vec<Typed<'_, VirtualService>> {
        if self.service.is_delegate() {
            self.target
                .view
                .virtual_services_naming(&self.service.meta.key)
        } else {
            vec![self.service]
        }
    }

    fn hidden_from(
        &self,
        client: Typed<'_, VirtualService>,
        defining: &[Typed<'_, DestinationRule>],
    ) -> Option<&'static str> {
        if !client.is_mesh() {
            return hidden_from_gateways(client, defining);
        }
        let namespace = client.meta.namespace();
        let visible = visible_rules(&self.target.view, &self.target.host, namespace);
        let defines = |rule: &&Typed<'_, DestinationRule>| {
            let mut defining = defining.iter();
            defining.any(|defining| defining.meta.key == rule.meta.key)
        };
        let mut effective = visible.iter().filter(defines).peekable();
        if effective.peek().is_some() {
            let selected = effective.all(|rule| rule.selects_workloads);
            let only =
                selected.then_some("only for the workloads that its workloadSelector selects");
            return only.or_else(|| self.not_merged(&visible));
        }
        if !visible.is_empty() {
            return Some("another DestinationRule comes first for the clients' namespace");
        }
        let mut exported = defining.iter().filter(|rule| reaches(**rule, namespace));
        Some(match exported.next() {
            Some(_) => "proxies look for it only in their own, the host's and the root namespace",
            None => "it is not exported to the clients' namespace",
        })
    }

    fn not_merged(&self, visible: &[Typed<'_, DestinationRule>]) -> Option<&'static str> {
        if visible.len() < 2 {
            return None;
        }
        let sent_to = self.target.sent_to(self.service);
        let is_ignored = is_never_merged(visible, sent_to, self.subset);
        is_ignored
            .then_some("Istio merges the rules of a host only where their `exportTo` is the same")
    }
}

/// The pods of a gateway can run in any namespace, so only a private DestinationRule is hidden for certain from a
/// gateway of another namespace.
fn hidden_from_gateways(
    client: Typed<'_, VirtualService>,
    defining: &[Typed<'_, DestinationRule>],
) -> Option<&'static str> {
    let private = |rule: &Typed<'_, DestinationRule>| {
        rule.export_to == ["."] && RuleScope::of(*rule) == RuleScope::Private
    };
    let elsewhere = |gateway: &String| {
        let namespace = gateway.split_once('/').map(|(namespace, _)| namespace);
        let mut owners = defining.iter().map(|rule| rule.meta.namespace());
        namespace.is_some_and(|namespace| namespace != "." && owners.all(|o| o != namespace))
    };
    let hidden = defining.iter().all(private) && client.gateways.iter().any(elsewhere);
    hidden.then_some("it is private to its namespace (`exportTo: [.]`) and the gateway is not")
}

/// A DestinationRule with a selector is only for its own namespace, whatever its `exportTo` is.
fn reaches(rule: Typed<'_, DestinationRule>, namespace: &str) -> bool {
    let owner = rule.meta.namespace();
    !rule.workload_selector && ExportTo::new(&rule.export_to, owner).includes(namespace)
}
