//! The catalogue: one file per rule, each with its documentation. A rule reports findings; it knows neither the other
//! rules nor what is done with a finding.

#[macro_use]
mod rule;
mod parts;

mod analysis_template_missing;
mod controller_values_lost;
mod cross_namespace_claim;
mod delegate_missing;
mod deleted_in_use;
mod destination_host_missing;
mod destination_missing;
mod destination_port;
mod destination_rule_host;
mod destination_rule_missing;
mod destination_rule_shared;
mod duplicate_route_name;
mod duplicate_services;
mod duplicate_subset;
mod empty_policy;
mod export_to;
mod extra_destination;
mod extra_subset;
mod first_adoption;
mod foreign_role_host;
mod gateway_host;
mod gateway_missing;
mod host_claimed_twice;
mod inserted_route_host;
mod invalid_step;
mod istio_host;
mod istio_name;
mod malformed;
mod managed_route_clash;
mod no_router;
mod no_routes;
mod reference_name;
mod retarget_in_progress;
mod rollout_spec;
mod route_action;
mod route_ambiguous;
mod route_multiplication;
mod route_not_found;
mod route_shared;
mod route_unreachable;
mod route_weights;
mod selector_template_mismatch;
mod service_managed_elsewhere;
mod service_missing;
mod service_selector_mismatch;
mod service_shared;
mod short_host_elsewhere;
mod step_needs_http;
mod step_route_not_managed;
mod steps_changed;
mod strategy_options;
mod subset_behind_role_service;
mod subset_names;
mod subset_not_found;
mod subset_selects_nothing;
mod subset_shadowed;
mod subset_undefined;
mod traffic_services_required;
mod unknown_field;
mod unlisted_l4_route;
mod virtual_service_choice;
mod virtual_service_missing;
mod workload_ref;

pub use parts::suggest::nearest;
pub use rule::{Check, Level, Rule};

use crate::cluster::{Flow, Requirement, View};
use crate::field::{Path, Segment};
use crate::model::{Body, Key, Kind, Object, Rollout, Typed, Write};
use crate::verdict::{Digest, Finding, Findings, Severity};

/// All rules in the order of their codes: the files of this folder that declare one. `build.rs` writes it.
pub const CATALOGUE: &[Rule] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// What the rules report about one object before or after a write.
pub fn judge(view: &View<'_>, key: &Key) -> Vec<Finding> {
    let rules = CATALOGUE.iter();
    judge_by(rules.filter(|rule| !rule.is_standing()), view, key)
}

/// What the rules report about one object that is stored, without a write.
pub fn audit(view: &View<'_>, key: &Key) -> Vec<Finding> {
    judge_by(CATALOGUE.iter(), view, key)
}

fn judge_by<'r>(rules: impl Iterator<Item = &'r Rule>, view: &View<'_>, key: &Key) -> Vec<Finding> {
    let mut list = Vec::new();
    if let Some(object) = view.get(key) {
        for rule in rules {
            rule.judge(object, view, &mut list);
        }
    }
    list
}

/// Whether the controller's requirement of a Rollout is met, as far as rules mirror its validation.
pub fn meets(rollout: Typed<'_, Rollout>, view: &View<'_>, requirement: Requirement) -> bool {
    let flow = Flow::of(rollout, *view);
    let complete = requirement == Requirement::Complete;
    let concerns = |rule: &&Rule| {
        REFUSED.contains(&rule.id.code) || (complete && INCOMPLETE.contains(&rule.id.code))
    };
    let mut list = Vec::new();
    CATALOGUE.iter().filter(concerns).all(|rule| {
        if let Check::Rollout(check) = rule.check {
            check(&flow, &mut Findings::of(rule.id, &mut list));
        }
        list.iter().all(|finding| {
            let lacks = complete && finding.missing && is_required(&finding.path);
            finding.severity != Severity::Error && !lacks
        })
    })
}

/// Whether the controller refuses the Rollout without what the field names. It looks up templates of experiments only
/// when the step begins.
fn is_required(field: &Path) -> bool {
    !field.segments().contains(&Segment::Field("experiment"))
}

/// The rules whose errors the controller reports as `InvalidSpec`, without those about pods.
const REFUSED: &[&str] = &[
    "RG101", "RG102", "RG103", "RG104", "RG106", "RG107", "RG108", "RG110", "RG112", "RG202",
    "RG203", "RG204", "RG206", "RG210",
];

/// The rules about what else the controller needs before it writes weights.
const INCOMPLETE: &[&str] = &[
    "RG109", "RG201", "RG301", "RG302", "RG401", "RG402", "RG403", "RG404",
];

/// The rule with this code or name, in any case.
pub fn find(word: &str) -> Option<&'static Rule> {
    let mut rules = CATALOGUE.iter();
    rules.find(|rule| {
        let (code, name) = (rule.id.code, rule.id.name);
        name.eq_ignore_ascii_case(word) || code.eq_ignore_ascii_case(word)
    })
}

impl Rule {
    /// Whether it is only for `check` and the audit.
    pub fn is_standing(&self) -> bool {
        matches!(self.check, Check::Standing(_) | Check::Manifest(_))
    }

    /// Whether a review judges objects of the kind by it.
    pub fn reviews(&self, kind: Kind) -> bool {
        match self.check {
            Check::Rollout(_) => kind == Kind::Rollout,
            Check::VirtualService(_) => kind == Kind::VirtualService,
            Check::DestinationRule(_) => kind == Kind::DestinationRule,
            Check::Any(_) => true,
            Check::Manifest(_) | Check::Standing(_) | Check::Write(_) => false,
        }
    }

    /// Whether it judges writes.
    pub fn reviews_writes(&self) -> bool {
        matches!(self.check, Check::Write(_))
    }

    /// Adds what this rule reports about a write, if it is a rule about writes. The view is the cluster before the
    /// write.
    pub fn judge_write(&self, write: &Write, view: &View<'_>, list: &mut Vec<Finding>) {
        if let Check::Write(check) = self.check {
            let view = &view.validating_by(meets);
            check(write, view, &mut Findings::of(self.id, list));
        }
    }

    /// Adds what this rule reports about an object, if it applies to the kind.
    pub fn judge(&self, object: &Object, view: &View<'_>, list: &mut Vec<Finding>) {
        self.report(object, view, &mut Findings::of(self.id, list));
    }

    /// The first findings about an object, and digests of the others, for a write of `written`.
    pub fn judge_bounded(
        &self,
        object: &Object,
        view: &View<'_>,
        written: &Key,
    ) -> (Vec<Finding>, Vec<Digest>) {
        let (mut list, mut rest) = (Vec::new(), Vec::new());
        let found = &mut Findings::first_of(self.id, &mut list, (&mut rest, written));
        self.report(object, view, found);
        (list, rest)
    }

    fn report(&self, object: &Object, view: &View<'_>, found: &mut Findings<'_>) {
        let view = &view.validating_by(meets);
        match (self.check, &object.body) {
            // The controller does not reconcile a Rollout that is being deleted.
            (Check::Rollout(_) | Check::Standing(_), Body::Rollout(_)) if object.meta.deleting => {}
            (Check::Rollout(check) | Check::Standing(check), Body::Rollout(rollout)) => {
                check(&Flow::of(object.typed(rollout), *view), found);
            }
            (Check::VirtualService(check), Body::VirtualService(service)) => {
                check(object.typed(service), view, found);
            }
            (Check::DestinationRule(check), Body::DestinationRule(rule)) => {
                check(object.typed(rule), view, found);
            }
            (Check::Any(check), _) => check(object, found),
            (Check::Manifest(check), _) => check(object, view, found),
            _ => {}
        }
    }
}
