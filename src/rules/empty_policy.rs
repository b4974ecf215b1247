//! A traffic policy of a DestinationRule says nothing.
//!
//! ## What
//! A `trafficPolicy` (the rule's or a subset's) or an entry of its `portLevelSettings` with none of the
//! fields that it may have, or a `connectionPool` without `http` and `tcp`. An empty list is no field.
//!
//! ## Why
//! istiod refuses the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! trafficPolicy: {}
//! ```
//!
//! ## Fix
//! Drop the field, or write what the policy is.

use super::parts::place::{in_destination_rule, is_malformed};
use crate::cluster::View;
use crate::field::Path;
use crate::model::{DestinationRule, Typed};
use crate::verdict::{Cause, Findings, message};

rule!(RG510, Error, DestinationRule(check));

fn check(rule: Typed<'_, DestinationRule>, _: &View<'_>, found: &mut Findings<'_>) {
    for policy in &rule.policies {
        if is_malformed(rule.malformed, &policy.path) {
            continue;
        }
        if policy.empty {
            refuse(rule, policy.path.clone(), found);
        }
        if policy.empty_pool {
            refuse(rule, policy.path.field("connectionPool"), found);
        }
    }
}

fn refuse(rule: Typed<'_, DestinationRule>, path: Path, found: &mut Findings<'_>) {
    let message = message!("{}: `{path}` is empty (IST0106)", rule.meta.key);
    let subject = in_destination_rule(rule, &path);
    found
        .error(&rule.meta.key, path, message)
        .subject(subject)
        .help("drop the field, or write what it should hold")
        .cause(Cause::Required);
}
