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

use std::collections::{HashMap, HashSet};

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
    let kept = kept(flow, &linked);
    let subsets = linked.rule.body.subsets.iter().enumerate();
    let is_extra = |subset: &Subset| !subset.name.is_empty() && !kept.contains(&subset.name);
    let extra: Vec<(usize, &Subset)> = subsets.filter(|(_, subset)| is_extra(subset)).collect();
    if extra.is_empty() {
        return;
    }
    let (listed, mut senders) = (listed(&linked), senders(flow, &linked));
    for (index, subset) in extra {
        let name = subset.name.as_str();
        let extra = ExtraSubset {
            flow,
            linked: &linked,
            name,
            place: Path::spec(["subsets"]).index(index).field("name"),
            listed: listed.get(name).cloned(),
            // Of several subsets of one name, the first is reported with them.
            senders: senders.remove(name).unwrap_or_default(),
        };
        extra.report(found);
    }
}

/// The subsets that the controller does not delete.
fn kept<'a>(flow: &Flow<'a>, linked: &LinkedDestinationRule<'a>) -> HashSet<&'a String> {
    let reference = linked.link.reference;
    let experiments = flow.rollout.body.status.experiments().iter();
    experiments
        .map(|experiment| &experiment.service_name)
        .chain([&reference.canary_subset_name, &reference.stable_subset_name])
        .collect()
}

/// The entries of `additionalSubsetNames`, each with its first place.
fn listed<'a>(linked: &LinkedDestinationRule<'a>) -> HashMap<&'a str, Path> {
    let path = linked.link.path().field("additionalSubsetNames");
    let names = linked.link.reference.additional_subset_names.as_deref();
    let mut listed = HashMap::new();
    for (index, name) in names.unwrap_or_default().iter().enumerate() {
        listed
            .entry(name.as_str())
            .or_insert_with(|| path.index(index));
    }
    listed
}

/// The VirtualServices that send to each subset, those of its namespace first, each with the first field that does.
fn senders<'a>(
    flow: &Flow<'a>,
    linked: &LinkedDestinationRule<'a>,
) -> HashMap<&'a str, Vec<(&'a Key, Path)>> {
    let view = &flow.view;
    let rule_host = linked.host(view);
    let mut senders: HashMap<&str, Vec<(&Key, Path)>> = HashMap::new();
    for service in view.virtual_services_sending_to(&rule_host) {
        for (path, destination) in service.body.destinations() {
            let host = view.resolve(&destination.host, service.meta.namespace());
            let of_subset = senders.entry(destination.subset.as_str()).or_default();
            let is_first = of_subset
                .last()
                .is_none_or(|(key, _)| *key != &service.meta.key);
            if is_first && rule_host.covers(&host) {
                of_subset.push((&service.meta.key, path.field("subset")));
            }
        }
    }
    for of_subset in senders.values_mut() {
        of_subset.sort_by_key(|(sender, _)| sender.namespace != linked.link.key.namespace);
    }
    senders
}

/// A subset that the controller will delete.
struct ExtraSubset<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedDestinationRule<'a>,
    name: &'a str,
    /// Its name in the DestinationRule.
    place: Path,
    /// Its entry in `additionalSubsetNames`.
    listed: Option<Path>,
    /// The VirtualServices that send to it, with the field that does.
    senders: Vec<(&'a Key, Path)>,
}

impl ExtraSubset<'_> {
    fn report(self, found: &mut Findings<'_>) {
        let (listed, senders) = (self.listed, self.senders);
        let path = listed
            .clone()
            .unwrap_or(self.linked.link.path().field("name"));
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
        let owner = &self.linked.link.key.namespace;
        let is_foreign = |(sender, _): &(&Key, Path)| sender.namespace != *owner;
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
            .with(&self.linked.link.key, self.place);
        for (sender, place) in senders {
            finding.with(sender, place);
        }
    }
}
