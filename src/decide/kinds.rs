//! Which kinds decisions read: what must be watched, and what RBAC must allow to be read.

use std::collections::BTreeSet;

use crate::model::Kind;
use crate::mutations::MUTATIONS;
use crate::rules::CATALOGUE;

/// The kinds that rules and mutations apply to or read, and namespaces, whose labels hold the profile.
pub fn kinds_read() -> BTreeSet<Kind> {
    let rules = CATALOGUE.iter();
    let rules = rules.flat_map(|rule| rule.applies_to().chain(rule.reads.iter().copied()));
    let mutations = MUTATIONS
        .iter()
        .flat_map(|mutation| mutation.kinds.iter().copied());
    rules.chain(mutations).chain([Kind::Namespace]).collect()
}
