//! A Rollout must name two different subsets of its DestinationRule.
//!
//! ## What
//! In `istio.destinationRule`, `name`, `canarySubsetName` or `stableSubsetName` is missing or empty, the two subsets
//! are the same, or `additionalSubsetNames` lists one of them.
//!
//! ## Why
//! The controller writes the hash of one revision into each subset, and compares with the canary's name first
//! (`UpdateHash`): if both have the same name, only the canary's pods get traffic. A subset without a name has no
//! role. `additionalSubsetNames` is for subsets whose weights the controller does not change.
//!
//! ## Example
//! ```yaml
//! destinationRule:
//!   name: app
//!   canarySubsetName: canary
//!   stableSubsetName: canary
//! ```
//!
//! ## Fix
//! Name two different subsets of the DestinationRule, and list neither of them in `additionalSubsetNames`.

use crate::cluster::Flow;
use crate::cluster::reference::istio_path;
use crate::model::DestinationRuleRef;
use crate::verdict::{Cause, Findings, Message, message};

rule!(RG107, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let istio = flow.rollout.istio();
    let rule = istio.and_then(|istio| istio.destination_rule.as_ref());
    if let Some(rule) = rule {
        check_named(flow, rule, found);
        check_distinct(flow, rule, found);
        check_additional(flow, rule, found);
    }
}

fn check_named(flow: &Flow<'_>, rule: &DestinationRuleRef, found: &mut Findings<'_>) {
    for (field, name) in [
        ("name", &rule.name),
        ("canarySubsetName", &rule.canary_subset_name),
        ("stableSubsetName", &rule.stable_subset_name),
    ] {
        if !name.is_empty() {
            continue;
        }
        let path = istio_path().fields(["destinationRule", field]);
        let message = Message::missing(flow.key(), &path);
        found
            .error(flow.key(), path, message)
            .subject(field)
            .help("name the DestinationRule and two of its subsets, one for each role")
            .cause(Cause::Required);
    }
}

fn check_distinct(flow: &Flow<'_>, rule: &DestinationRuleRef, found: &mut Findings<'_>) {
    let name = rule.stable_subset_name.as_str();
    if name.is_empty() || name != rule.canary_subset_name {
        return;
    }
    let path = istio_path().fields(["destinationRule", "stableSubsetName"]);
    let message = message!("{} names subset `{name}`", flow.key())
        .in_field(&path)
        .text(", which is the canary's subset too");
    found
        .error(flow.key(), path, message)
        .subject("canarySubsetName stableSubsetName")
        .help("define a second subset in the DestinationRule and name one for each role")
        .cause(Cause::Duplicate);
}

fn check_additional(flow: &Flow<'_>, rule: &DestinationRuleRef, found: &mut Findings<'_>) {
    let names = rule.additional_subset_names.iter().flatten();
    let roles = [&rule.canary_subset_name, &rule.stable_subset_name];
    let clashes = names
        .enumerate()
        .filter(|(_, name)| !name.is_empty() && roles.contains(name));
    for (index, name) in clashes {
        let path = istio_path()
            .fields(["destinationRule", "additionalSubsetNames"])
            .index(index);
        let message = message!("{} lists subset `{name}`", flow.key())
            .in_field(&path)
            .text(", which is the canary's or the stable subset");
        found
            .error(flow.key(), path, message)
            .subject(format!("additionalSubsetNames {name}"))
            .help("list only subsets whose weights the controller is to leave alone")
            .cause(Cause::Duplicate);
    }
}
