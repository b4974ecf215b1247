//! The catalogue: one file per rule, each with its documentation. A rule pushes findings;
//! it knows neither the other rules nor what becomes of a finding.

#[macro_use]
mod rule;
mod dns;
mod label;
mod place;
mod suggest;

// The rules, generated from the files of this folder by `UPDATE=1 cargo test`.
mod delegate_missing;
mod destination_host_missing;
mod destination_port;
mod duplicate_subset;
mod empty_policy;
mod export_to;
mod gateway_missing;
mod istio_host;
mod istio_name;
mod malformed;
mod route_action;
mod route_not_found;
mod route_weights;
mod subset_undefined;
// End of the generated rules.

pub use rule::{Check, Level, Rule};
pub use suggest::nearest;

use crate::cluster::{Flow, View};
use crate::model::{Change, Key, Object};
use crate::verdict::{Finding, Findings};

/// All rules in the order of their codes.
pub const CATALOGUE: &[Rule] = &[
    // Generated, like the modules above.
    route_not_found::RULE,
    subset_undefined::RULE,
    destination_host_missing::RULE,
    duplicate_subset::RULE,
    route_weights::RULE,
    malformed::RULE,
    istio_name::RULE,
    istio_host::RULE,
    route_action::RULE,
    export_to::RULE,
    empty_policy::RULE,
    destination_port::RULE,
    delegate_missing::RULE,
    gateway_missing::RULE,
    // End of the generated rules.
];

/// Codes that once were rules and are never given again.
pub const RETIRED: &[&str] = &[];

/// What all rules say of one object in a view.
pub fn judge(view: &View<'_>, key: &Key) -> Vec<Finding> {
    let mut list = Vec::new();
    if let Some(object) = view.get(key) {
        for rule in CATALOGUE {
            rule.judge(object, view, &mut list);
        }
    }
    list
}

/// What the rules on writes say of one.
pub fn judge_write(change: &Change<'_>, view: &View<'_>) -> Vec<Finding> {
    let mut list = Vec::new();
    for rule in CATALOGUE {
        if let Check::Write(check) = rule.check {
            check(change, view, &mut Findings::of(rule.id, &mut list));
        }
    }
    list
}

/// The rule of a code or a name.
pub fn find(word: &str) -> Option<&'static Rule> {
    let mut rules = CATALOGUE.iter();
    rules.find(|rule| rule.id.name == word || rule.id.code.eq_ignore_ascii_case(word))
}

impl Rule {
    /// What this rule says of an object, if it is of its kind.
    pub fn judge(&self, object: &Object, view: &View<'_>, list: &mut Vec<Finding>) {
        let found = &mut Findings::of(self.id, list);
        match (self.check, object) {
            (Check::Rollout(check), Object::Rollout(rollout)) => {
                check(&Flow::of(rollout, *view), found);
            }
            (Check::VirtualService(check), Object::VirtualService(service)) => {
                check(service, view, found);
            }
            (Check::DestinationRule(check), Object::DestinationRule(rule)) => {
                check(rule, view, found);
            }
            (Check::Any(check), object) => check(object, found),
            _ => {}
        }
    }
}
