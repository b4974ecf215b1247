//! The controller will delete a subset of the managed DestinationRule.
//!
//! ## What
//! The Rollout's DestinationRule has a subset other than the canary's, the stable one and those of a running
//! experiment. It is an error if `additionalSubsetNames` lists the subset or a VirtualService of any namespace sends
//! to it; otherwise it is a warning. If only
//! VirtualServices of other namespaces send to the subset, only their writes are denied.
//!
//! ## Why
//! At every reconcile the controller writes the list of subsets with only those that it knows (`UpdateHash`).
//! `additionalSubsetNames` protects the weights of destinations, not the subsets. Traffic to the deleted subset gets
//! 503.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! # DestinationRule app
//! subsets: [{name: canary}, {name: stable}, {name: eu}]
//! ```
//!
//! ## Fix
//! Define the subset in a second DestinationRule for the same host in the same namespace. Istio merges the two, and
//! the controller changes only its own.

use crate::cluster::{Flow, LinkedDestinationRule};
use crate::field::Path;
use crate::model::{Key, Subset};
use crate::verdict::{Findings, message};

rule!(
    RG304,
    Both,
    Rollout(check),
    reads = [DestinationRule, VirtualService]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    for (index, subset) in linked.rule.subsets.iter().enumerate() {
        if is_extra(flow, &linked, subset) {
            let extra = ExtraSubset {
                flow,
                linked: &linked,
                name: &subset.name,
                place: Path::spec(["subsets"]).index(index).field("name"),
            };
            extra.report(found);
        }
    }
}

fn is_extra(flow: &Flow<'_>, linked: &LinkedDestinationRule<'_>, subset: &Subset) -> bool {
    let reference = linked.link.reference;
    let experiments = flow.rollout.status.experiments();
    !subset.name.is_empty()
        && subset.name != reference.canary_subset_name
        && subset.name != reference.stable_subset_name
        && experiments
            .iter()
            .all(|experiment| experiment.service_name != subset.name)
}

/// A subset that the controller will delete.
struct ExtraSubset<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedDestinationRule<'a>,
    name: &'a str,
    /// Its name in the DestinationRule.
    place: Path,
}

impl ExtraSubset<'_> {
    fn report(&self, found: &mut Findings<'_>) {
        let listed = self.listed();
        let senders = self.senders();
        let path = listed
            .clone()
            .unwrap_or(self.linked.link.path.field("name"));
        let message = message!("{} manages {}", self.flow.key(), self.linked.link.key)
            .by_field(&path)
            .text(format!(
                ", and at every reconcile its controller deletes subset `{}`, ",
                self.name
            ));
        let message = match (senders.first(), &listed) {
            (Some((sender, place)), _) => message
                .text(format!("to which {sender} sends traffic"))
                .in_field(place),
            (None, Some(_)) => message.text("although `additionalSubsetNames` lists it"),
            (None, None) => message.text("which is neither its canary nor its stable one"),
        };
        let finding = if senders.is_empty() && listed.is_none() {
            found.warning(self.flow.key(), path, message)
        } else {
            found.error(self.flow.key(), path, message)
        };
        finding.harms_others = self.flow.is_effective_for(&self.linked.link.key);
        finding.subject(format!("{} {}", self.linked.link.key, self.name));
        // Who sends from another namespace turns no write of the owner's into a denial, and hides none.
        let is_foreign = |(sender, _): &(&Key, Path)| self.is_foreign(sender);
        if listed.is_none() && senders.first().is_some_and(is_foreign) {
            finding.subject += " from elsewhere";
            for (sender, _) in &senders {
                finding.denies_only(sender);
            }
        }
        finding
            .help(
                "define the subset in a second DestinationRule for the same host in the same \
                 namespace: Istio merges the two, and the controller touches only its own",
            )
            .with(&self.linked.link.key, self.place.clone());
        for (sender, place) in senders {
            finding.with(sender, place);
        }
    }

    /// Its entry in `additionalSubsetNames`.
    fn listed(&self) -> Option<Path> {
        let reference = self.linked.link.reference;
        let names = reference.additional_subset_names.as_ref()?;
        let index = names.iter().position(|name| name == self.name)?;
        let path = self.linked.link.path.field("additionalSubsetNames");
        Some(path.index(index))
    }

    fn is_foreign(&self, sender: &Key) -> bool {
        sender.namespace != self.linked.link.key.namespace
    }

    /// The VirtualServices that send to it, those of its namespace first, each with the first field that does.
    fn senders(&self) -> Vec<(&Key, Path)> {
        let view = &self.flow.view;
        let rule_host = self.linked.host(view);
        let services = view.virtual_services_sending_to(&rule_host).into_iter();
        let sending = services.filter_map(|service| {
            let mut destinations = service.destinations();
            let (path, _) = destinations.find(|(_, destination)| {
                let host = view.resolve(&destination.host, service.meta.namespace());
                destination.subset == self.name && rule_host.covers(&host)
            })?;
            Some((&service.meta.key, path.field("subset")))
        });
        let mut senders: Vec<(&Key, Path)> = sending.collect();
        senders.sort_by_key(|(sender, _)| self.is_foreign(sender));
        senders
    }
}
