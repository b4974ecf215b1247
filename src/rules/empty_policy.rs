//! A traffic policy of a DestinationRule is empty.
//!
//! ## What
//! A `trafficPolicy` (of the DestinationRule or of a subset) or an entry of its `portLevelSettings` has none of its
//! fields, or a `connectionPool` has neither `http` nor `tcp`. A field with an empty list counts as missing.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! trafficPolicy: {}
//! ```
//!
//! ## Fix
//! Remove the field, or set what the policy should do.

use super::parts::named_path::in_destination_rule;
use crate::cluster::View;
use crate::field::Path;
use crate::model::{DestinationRule, Typed};
use crate::verdict::{Cause, Findings, message};

rule!(RG510, Error, DestinationRule(check));

fn check(rule: Typed<'_, DestinationRule>, _: &View<'_>, found: &mut Findings<'_>) {
    for policy in &rule.policies {
        if rule.is_malformed(&policy.path) {
            continue;
        }
        if policy.empty {
            report(rule, policy.path.clone(), found);
        }
        if policy.empty_pool {
            report(rule, policy.path.field("connectionPool"), found);
        }
    }
}

fn report(rule: Typed<'_, DestinationRule>, path: Path, found: &mut Findings<'_>) {
    let message = message!("{}: `{path}` is empty (IST0106)", rule.meta.key);
    let subject = in_destination_rule(rule, &path);
    found
        .error(&rule.meta.key, path, message)
        .subject(subject)
        .help("drop the field, or write what it should hold")
        .cause(Cause::Required);
}
