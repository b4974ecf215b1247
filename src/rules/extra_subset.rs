//! The managed DestinationRule has a subset that the controller will delete.
//!
//! ## What
//! A subset of the Rollout's DestinationRule other than the canary's, the stable one and those of a
//! running experiment. It is an error when `additionalSubsetNames` lists the subset, or a
//! VirtualService of any namespace sends to it.
//!
//! ## Why
//! At the next change of a hash the controller rewrites the list of subsets and leaves out all that it
//! does not know (`UpdateHash`). `additionalSubsetNames` protects the weights of destinations, not the
//! subsets: the traffic that goes to the subset gets 503.
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
//! Define the subset in a second DestinationRule for the same host in the same namespace: Istio merges
//! the two, and the controller touches only its own.

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
            let extra = Extra {
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
struct Extra<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedDestinationRule<'a>,
    name: &'a str,
    /// Its name in the DestinationRule.
    place: Path,
}

impl Extra<'_> {
    fn report(&self, found: &mut Findings<'_>) {
        let listed = self.listed();
        let senders = self.senders();
        let path = listed
            .clone()
            .unwrap_or(self.linked.link.path.field("name"));
        let used = match (senders.first(), &listed) {
            (Some((sender, place)), _) => format!("to which {sender} sends traffic in `{place}`"),
            (None, Some(_)) => "although `additionalSubsetNames` lists it".into(),
            (None, None) => "which is neither its canary nor its stable one".to_owned(),
        };
        let message = message!("{} manages {}", self.flow.key(), self.linked.link.key)
            .by_field(&path)
            .text(format!(
                ", and its controller will delete subset `{}`, {used}",
                self.name
            ));
        let finding = if senders.is_empty() && listed.is_none() {
            found.warning(self.flow.key(), path, message)
        } else {
            found.error(self.flow.key(), path, message).harms_others()
        };
        finding
            .subject(format!("{} {}", self.linked.link.key, self.name))
            .help(
                "define the subset in a second DestinationRule for the same host in the same \
                 namespace: Istio merges the two, and the controller touches only its own",
            )
            .with(&self.linked.link.key, self.place.clone());
        for (sender, place) in senders {
            finding.with(sender, place);
        }
    }

    /// Where the Rollout lists it among the additional ones.
    fn listed(&self) -> Option<Path> {
        let names = self
            .linked
            .link
            .reference
            .additional_subset_names
            .as_ref()?;
        let index = names.iter().position(|name| name == self.name)?;
        let path = self.linked.link.path.field("additionalSubsetNames");
        Some(path.index(index))
    }

    /// The VirtualServices that send to it, each with its first place.
    fn senders(&self) -> Vec<(&Key, Path)> {
        let view = &self.flow.view;
        let governed = self.linked.host(view);
        let services = view.virtual_services_sending_to(&governed).into_iter();
        let sending = services.filter_map(|service| {
            let mut destinations = service.destinations();
            let (path, _) = destinations.find(|(_, destination)| {
                let host = view.resolve(&destination.host, service.meta.namespace());
                destination.subset == self.name && governed.covers(&host)
            })?;
            Some((&service.meta.key, path.field("subset")))
        });
        sending.collect()
    }
}
