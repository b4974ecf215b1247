//! A VirtualService sends traffic to a subset that no DestinationRule of the host defines.
//!
//! ## What
//! A destination or mirror (http, tls, tcp; delegates and gateway-only VirtualServices too) names a
//! subset, and DestinationRules for the resolved host exist, of which none defines it. It is a missing
//! object, and so a warning, when no DestinationRule is for the host at all, unless an UPDATE took the
//! last one away. It is a warning when one defines the subset but the proxies in the VirtualService's
//! namespace do not see it: private or exported elsewhere, hidden by a rule of their own namespace or
//! by a more exact host, or only for some workloads.
//!
//! ## Why
//! The proxy has no cluster for the subset and answers 503 (`istioctl analyze`: IST0101).
//!
//! ## Example
//! ```yaml
//! # VirtualService
//! destination: {host: app, subset: v9}
//! # DestinationRule
//! host: app
//! subsets: [{name: v1}, {name: v2}]
//! ```
//!
//! ## Fix
//! Name a subset that is defined, or define it first: add the new subset beside the old, move the
//! routes, then drop the old subset.

use super::label::list;
use super::suggest::did_you_mean;
use crate::cluster::{RuleScope, View, visible_rules};
use crate::field::Path;
use crate::model::{Destination, DestinationRule, Host, Kind, VirtualService};
use crate::verdict::{Cause, Findings};

rule!(
    RG501,
    Both,
    VirtualService,
    reads & [Kind::DestinationRule, Kind::Service, Kind::ServiceEntry],
    "subset_undefined.rs"
);

fn check(service: &VirtualService, view: &View<'_>, found: &mut Findings<'_>) {
    for (path, destination) in service.destinations() {
        if destination.subset.is_empty() || destination.host.is_empty() {
            continue;
        }
        let host = view.resolve(&destination.host, service.meta.namespace());
        let reference = Reference {
            service,
            view,
            destination,
            path: path.field("subset"),
            host,
        };
        reference.check(found);
    }
}

/// A subset that a VirtualService names.
struct Reference<'a> {
    service: &'a VirtualService,
    view: &'a View<'a>,
    destination: &'a Destination,
    path: Path,
    host: Host,
}

impl Reference<'_> {
    fn check(&self, found: &mut Findings<'_>) {
        let rules = self.view.rules_governing(&self.host);
        let defining: Vec<&DestinationRule> = rules
            .iter()
            .copied()
            .filter(|rule| rule.subset(&self.destination.subset).is_some())
            .collect();
        if !defining.is_empty() {
            self.check_visible(&defining, found);
        } else if !rules.is_empty() {
            self.undefined(&rules, found);
        } else if self.lost_its_rules() {
            self.undefined(&self.view.before().rules_governing(&self.host), found);
        } else {
            self.no_rule(found);
        }
    }

    /// Whether the write on top of the view took the last rule away from the host.
    fn lost_its_rules(&self) -> bool {
        let had_rules = || !self.view.before().rules_governing(&self.host).is_empty();
        self.view.is_written() && had_rules()
    }

    fn undefined(&self, rules: &[&DestinationRule], found: &mut Findings<'_>) {
        let subset = self.destination.subset.as_str();
        let known = || rules.iter().flat_map(|rule| &rule.subsets);
        let names = || known().map(|subset| subset.name.as_str());
        let keys: Vec<String> = rules.iter().map(|rule| rule.meta.key.to_string()).collect();
        let message = format!(
            "{} sends to subset `{subset}` of `{}` in `{}`, which {} does not define (IST0101)",
            self.service.meta.key,
            self.host,
            self.path,
            keys.join(" and "),
        );
        let help = format!(
            "{}defined: {}; to rename a subset, add the new one beside the old, move the routes, \
             then drop the old one",
            did_you_mean(subset, names()),
            list(names()),
        );
        let finding = found.error(&self.service.meta.key, self.path.clone(), message);
        finding
            .subject(self.subject())
            .help(help)
            .cause(Cause::NotFound);
        for rule in rules {
            finding.with(&rule.meta.key, Path::spec(["subsets"]));
        }
    }

    fn no_rule(&self, found: &mut Findings<'_>) {
        if self.view.mesh().remote_istio {
            return;
        }
        let message = format!(
            "{} sends to subset `{}` in `{}`, but no DestinationRule is for `{}` (IST0101)",
            self.service.meta.key, self.destination.subset, self.path, self.host,
        );
        found
            .warning(&self.service.meta.key, self.path.clone(), message)
            .subject(self.subject())
            .help("apply a DestinationRule for the host that defines the subset")
            .missing_anything();
    }

    fn check_visible(&self, defining: &[&DestinationRule], found: &mut Findings<'_>) {
        if let (Some(reason), Some(first)) = (self.hidden(defining), defining.first()) {
            let message = format!(
                "{} sends to subset `{}` of `{}` in `{}`, which {} defines, but {reason}",
                self.service.meta.key,
                self.destination.subset,
                self.host,
                self.path,
                first.meta.key,
            );
            let finding = found.warning(&self.service.meta.key, self.path.clone(), message);
            finding.subject(self.subject()).missing_anything();
            finding.help(
                "define the subset in a DestinationRule that the clients' namespace sees: in \
                 that namespace, or exported to it from the Service's or the root namespace",
            );
            for rule in defining {
                finding.with(&rule.meta.key, Path::spec(["exportTo"]));
            }
        }
    }

    /// Why no client gets a rule that defines the subset; `None` where one may.
    fn hidden(&self, defining: &[&DestinationRule]) -> Option<&'static str> {
        if !self.service.is_mesh() {
            return self.hidden_from_gateways(defining);
        }
        let namespace = self.service.meta.namespace();
        let visible = visible_rules(self.view, &self.host, namespace);
        let mut effective = visible
            .iter()
            .filter(|rule| rule.subset(&self.destination.subset).is_some());
        match effective.next() {
            Some(first) => (first.workload_selector
                && effective.all(|rule| rule.workload_selector))
            .then_some("only for the workloads that its workloadSelector selects"),
            None if visible.is_empty() => {
                Some("it is not exported to the VirtualService's namespace")
            }
            None => Some("another DestinationRule comes first for the VirtualService's namespace"),
        }
    }

    /// A gateway's pods may run anywhere: only a private rule and a gateway elsewhere say enough.
    fn hidden_from_gateways(&self, defining: &[&DestinationRule]) -> Option<&'static str> {
        let private = |rule: &&DestinationRule| {
            rule.export_to == ["."] && RuleScope::of(rule) == RuleScope::Private
        };
        let elsewhere = |gateway: &String| {
            let namespace = gateway.split_once('/').map(|(namespace, _)| namespace);
            let mut owners = defining.iter().map(|rule| rule.meta.namespace());
            namespace.is_some_and(|namespace| namespace != "." && owners.all(|o| o != namespace))
        };
        let hidden = defining.iter().all(private) && self.service.gateways.iter().any(elsewhere);
        hidden.then_some("it is private to its namespace (`exportTo: [.]`) and the gateway is not")
    }

    fn subject(&self) -> String {
        format!("{} {}", self.host, self.destination.subset)
    }
}
