//! Which DestinationRules a client gets for a host, as istiod looks them up (`PushContext.destinationRule`).

use std::collections::{BTreeMap, BTreeSet};

use super::view::View;
use super::visibility::ExportTo;
use crate::model::{DestinationRule, Host, Typed};

/// Which clients a DestinationRule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// Those of its own namespace: `exportTo: [.]` or a workload selector.
    Private,
    /// Those of other namespaces too, or only those.
    Exported,
}

/// The rules that a client in `namespace` gets for the host: those of its own namespace, otherwise of the
/// Service's namespace, otherwise of the root namespace; in each the most specific host. Istio merges rules of
/// one host if their `exportTo` is the same; here all of them count.
pub fn visible_rules<'a>(
    view: &View<'a>,
    host: &Host,
    namespace: &str,
) -> Vec<Typed<'a, DestinationRule>> {
    let rules = view.rules_governing(host);
    let root = view.mesh().root_namespace.as_str();
    let own = most_specific(view, &rules, |rule| {
        let private = RuleScope::of(*rule) == RuleScope::Private;
        rule.meta.namespace() == namespace && is_local(*rule) && (namespace != root || private)
    });
    if !own.is_empty() {
        return own;
    }
    let services = provider_namespaces(view, host);
    let namespaces = services.iter().map(String::as_str).chain([root]);
    for owner in namespaces {
        let exported = most_specific(view, &rules, |rule| {
            rule.meta.namespace() == owner && RuleScope::of(*rule) == RuleScope::Exported
        });
        let mut reaching = exported;
        reaching.retain(|rule| export_to(*rule).names(namespace));
        if !reaching.is_empty() {
            return reaching;
        }
    }
    Vec::new()
}

impl RuleScope {
    /// A rule for some workloads, and one that only its own namespace sees, are never merged with others.
    pub fn of(rule: Typed<'_, DestinationRule>) -> Self {
        if rule.workload_selector || export_to(rule).is_private() {
            RuleScope::Private
        } else {
            RuleScope::Exported
        }
    }
}

/// Whether the proxy lacks a subset because several rules of one host differ in `exportTo`. It uses one of them
/// then, by age, which manifests do not show: so only if no rule has all of `sent_to`.
pub fn is_never_merged(
    visible: &[Typed<'_, DestinationRule>],
    sent_to: &BTreeSet<&str>,
    subset: &str,
) -> bool {
    let whole = visible.iter().filter(|rule| !rule.selects_workloads);
    let mut groups: BTreeMap<BTreeSet<&String>, BTreeSet<&str>> = BTreeMap::new();
    for rule in whole {
        let names = rule.subsets.iter().map(|subset| subset.name.as_str());
        let exported = rule.export_to.iter().collect();
        groups.entry(exported).or_default().extend(names);
    }
    if groups
        .keys()
        .any(|one| groups.keys().any(|other| may_take_in(other, one)))
    {
        return false;
    }
    let counts = |group: &BTreeSet<&str>| sent_to.intersection(group).count();
    let best = groups.values().max_by_key(|group| counts(group));
    groups.len() > 1 && best.is_some_and(|best| !best.contains(subset))
}

/// Whether Istio merges the newer rule into the older one: it is exported to all namespaces of the older.
fn may_take_in(newer: &BTreeSet<&String>, older: &BTreeSet<&String>) -> bool {
    newer != older && !older.is_empty() && older.is_subset(newer)
}

/// Of the rules that pass, those with the exact host or the longest wildcard.
fn most_specific<'a>(
    view: &View<'a>,
    rules: &[Typed<'a, DestinationRule>],
    pass: impl Fn(&Typed<'_, DestinationRule>) -> bool,
) -> Vec<Typed<'a, DestinationRule>> {
    let passing = || rules.iter().copied().filter(|rule| pass(rule));
    let host = |rule: Typed<'_, DestinationRule>| view.resolve(&rule.host, rule.meta.namespace());
    let rank = |host: &Host| (!host.is_wildcard(), host.as_str().len());
    let Some(best) = passing().map(host).max_by_key(rank) else {
        return Vec::new();
    };
    passing().filter(|rule| host(*rule) == best).collect()
}

/// Whether a rule applies to clients of its own namespace.
fn is_local(rule: Typed<'_, DestinationRule>) -> bool {
    rule.workload_selector || export_to(rule).includes(rule.meta.namespace())
}

fn export_to(rule: Typed<'_, DestinationRule>) -> ExportTo<'_> {
    ExportTo::new(&rule.body.export_to, &rule.meta.key.namespace)
}

/// The namespaces that provide the host: by its name, or those of the ServiceEntries that list it.
fn provider_namespaces(view: &View<'_>, host: &Host) -> Vec<String> {
    if let Some((namespace, _)) = host.service(&view.mesh().domain) {
        return vec![namespace.to_owned()];
    }
    let providers = view.providers(host);
    let entries = providers
        .into_iter()
        .filter(|provider| provider.service_entry().is_some());
    entries
        .map(|entry| entry.meta.namespace().to_owned())
        .collect()
}
