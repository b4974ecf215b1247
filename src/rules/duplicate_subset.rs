//! A DestinationRule has two subsets with the same name.
//!
//! ## What
//! A name is used more than once in `subsets`.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106). If the object was stored anyway, Istio ignores one of the
//! two subsets.
//!
//! ## Example
//! ```yaml
//! subsets:
//! - {name: canary, labels: {version: v1}}
//! - {name: canary, labels: {version: v2}}
//! ```
//!
//! ## Fix
//! Rename or delete one of them.

use std::collections::BTreeSet;

use super::parts::names::quoted;
use crate::cluster::View;
use crate::field::Path;
use crate::model::{DestinationRule, Typed};
use crate::verdict::{Cause, Findings, message};

rule!(RG503, Error, DestinationRule(check));

fn check(rule: Typed<'_, DestinationRule>, _: &View<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for (index, subset) in rule.subsets.iter().enumerate() {
        if subset.name.is_empty() || seen.insert(&subset.name) {
            continue;
        }
        let path = Path::spec(["subsets"]).index(index).field("name");
        let message = message!("{} defines subset `{}` again", rule.meta.key, subset.name)
            .in_field(&path)
            .text(" (IST0106)");
        let names = rule.subsets.iter().map(|subset| subset.name.as_str());
        found
            .error(&rule.meta.key, path, message)
            .subject(subset.name.as_str())
            .help(format!(
                "give each subset its own name; there are {}",
                quoted(names)
            ))
            .cause(Cause::Duplicate);
    }
}
