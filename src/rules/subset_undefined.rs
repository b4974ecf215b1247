//! A VirtualService sends traffic to a subset that no DestinationRule of the host defines.
//!
//! ## What
//! A destination or mirror names a subset that none of the DestinationRules for the resolved host defines. This
//! includes http, tls and tcp routes, delegates, and VirtualServices that only gateways apply.
//!
//! It is a warning if no DestinationRule for the host exists, and if the write gives the host its first one. But it is an
//! error if an UPDATE removes the last one, or if an UPDATE of the VirtualService, which sent to the host without a
//! subset, sends to subsets alone; mirrors, and routes behind one without conditions, do not count there. A destination of weight 0 beside others is a warning too, unless a Rollout manages
//! the weights of the route.
//!
//! It is also a warning if a DestinationRule defines the subset but the proxies in the VirtualService's namespace do
//! not see it: it is private or exported elsewhere, a DestinationRule of their own namespace or for a more exact host
//! hides it, or it is only for some workloads. A write of the DestinationRule is not denied for a VirtualService of
//! another namespace; it gets a warning, if the VirtualService saw the subset before.
//!
//! ## Why
//! The proxy has no cluster for the subset and answers 503 (`istioctl analyze`: IST0101). Istio leaves a destination of
//! weight 0 out of a route with several.
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
//! Use a subset that is defined, or define it first: add the new subset beside the old one, change the routes, then
//! delete the old subset.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::parts::hidden_subset::SentSubset;
use super::parts::names::quoted;
use super::parts::narrowed_hosts::{answers, narrowed_hosts};
use super::parts::suggest::{did_you_mean, nearest};
use super::parts::target::{Target, keys};
use super::parts::unweighted::{Unweighted, unweighted};
use crate::cluster::View;
use crate::field::Path;
use crate::model::{Destination, DestinationRule, Host, Typed, VirtualService};
use crate::verdict::{Cause, Finding, Findings, Message, Severity, message};

rule!(
    RG501,
    Both,
    VirtualService(check),
    reads = [Rollout, DestinationRule, Service, ServiceEntry]
);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    let (unweighted, narrowed) = (OnceCell::new(), OnceCell::new());
    let mut targets: HashMap<&str, Target<'_>> = HashMap::new();
    for (path, destination) in service.body.destinations() {
        if destination.subset.is_empty() || destination.host.is_empty() {
            continue;
        }
        let target = targets.entry(&destination.host);
        let target = target.or_insert_with(|| Target::of(service, view, &destination.host));
        let reference = Reference {
            service,
            unweighted: &unweighted,
            narrowed: &narrowed,
            view,
            destination,
            path: path.field("subset"),
            target,
        };
        reference.check(found);
    }
}

/// A subset that a VirtualService names.
struct Reference<'r, 'a> {
    service: Typed<'a, VirtualService>,
    view: &'r View<'a>,
    /// The paths of the destinations of weight 0, once one of them is asked for.
    unweighted: &'r OnceCell<BTreeMap<Path, Unweighted>>,
    /// The hosts to which the write no longer sends without a subset, once one of them is asked for.
    narrowed: &'r OnceCell<HashSet<Host>>,
    destination: &'a Destination,
    path: Path,
    target: &'r Target<'a>,
}

impl Reference<'_, '_> {
    fn check(&self, found: &mut Findings<'_>) {
        let subset = self.destination.subset.as_str();
        let rules = &self.target.rules;
        if let Some(defining) = self.target.defining.get(subset) {
            self.check_visible(defining, found);
        } else if self.was_hidden() {
            self.report_unseen(found);
        } else if !rules.is_empty() {
            self.report_undefined(rules, found);
        } else {
            match self.rules_before() {
                [] if self.is_narrowed() => self.report_narrowed(found),
                [] => self.report_no_rule(found),
                removed => self.report_removed(removed, found),
            }
        }
    }

    /// Whether the write takes a definition of another namespace away, which no client could see before.
    fn was_hidden(&self) -> bool {
        let Some(target) = self.target.before(self.service) else {
            return false;
        };
        let subset = self.destination.subset.as_str();
        let defining = target.defining.get(subset).map_or(&[][..], Vec::as_slice);
        let own = self.service.meta.namespace();
        let is_foreign = |rule: &Typed<'_, DestinationRule>| rule.meta.namespace() != own;
        let before = SentSubset {
            service: self.service,
            target,
            subset,
        };
        !defining.is_empty() && defining.iter().all(is_foreign) && before.hidden(defining).is_some()
    }

    fn report_unseen(&self, found: &mut Findings<'_>) {
        let fault = "which no DestinationRule that its clients see defines, as before";
        let finding = self.warning(fault, found).help(DEFINE_VISIBLY);
        finding.missing_for(&self.target.host);
    }

    /// The DestinationRules of the host before the write that is laid over the view.
    fn rules_before(&self) -> &[Typed<'_, DestinationRule>] {
        let before = self.target.before(self.service);
        before.map_or(&[], |target| &target.rules)
    }

    fn report_undefined(&self, rules: &[Typed<'_, DestinationRule>], found: &mut Findings<'_>) {
        let subset = self.destination.subset.as_str();
        let names = || {
            let subsets = rules.iter().flat_map(|rule| &rule.subsets);
            subsets.map(|subset| subset.name.as_str())
        };
        let fault = format!(
            "which {} {} not define",
            keys(rules),
            if rules.len() == 1 { "does" } else { "do" },
        );
        // A host without a rule had none of its subsets: the first rule takes nothing away.
        let is_first_rule = self.view.is_written() && self.rules_before().is_empty();
        let help = format!(
            "{}defined: {}; to rename a subset, add the new one beside the old (in a second \
             DestinationRule of the host if a Rollout names this one), move the routes, then drop the old one",
            did_you_mean(subset, names()),
            quoted(names()),
        );
        let correct_name = nearest(subset, names()).filter(|name| !self.is_sent_to(name));
        let finding = if is_first_rule {
            self.warning(&fault, found).missing_for(&self.target.host)
        } else {
            self.fault(&fault, found)
        };
        finding.help(help).respell(correct_name);
        for rule in rules {
            finding.with(&rule.meta.key, Path::spec(["subsets"]));
        }
        if let Some(rule) = rules.first() {
            finding.awaits(&rule.meta.key);
        }
    }

    /// Whether the VirtualService also sends to that subset of the host, so that it is not the one that was meant.
    fn is_sent_to(&self, subset: &str) -> bool {
        self.target.sent_to(self.service).contains(subset)
    }

    fn report_removed(&self, rules: &[Typed<'_, DestinationRule>], found: &mut Findings<'_>) {
        let fault = format!("but {} would no longer be for that host", keys(rules));
        let help = "first apply another DestinationRule for the host";
        let finding = self.fault(&fault, found).help(help);
        for rule in rules {
            finding.with(&rule.meta.key, Path::spec(["host"]));
        }
    }

    /// Whether requests to the host were answered before the write, which sends them all to subsets.
    fn is_narrowed(&self) -> bool {
        let Target { host, view, .. } = self.target;
        let find = || narrowed_hosts(self.service, self.view);
        answers(self.service.body, &self.path)
            && self.narrowed.get_or_init(find).contains(host)
            && !view.providers(host).is_empty()
    }

    fn report_narrowed(&self, found: &mut Findings<'_>) {
        let fault =
            "but no DestinationRule is for that host, which was reached without a subset before";
        let help = "first apply a DestinationRule for the host that defines the subset";
        self.fault(fault, found)
            .help(help)
            .seeks_for(&self.target.host);
    }

    /// An error, or a warning if Istio leaves the destination out.
    fn fault<'f>(&self, fault: &str, found: &'f mut Findings<'_>) -> &'f mut Finding {
        match self.unweighted() {
            Some(Unweighted::Ignored) => {
                self.warning(&format!("{fault}; Istio leaves it out at weight 0"), found)
            }
            Some(Unweighted::Managed(rollout, path)) => {
                self.error(fault, found).with(rollout, Path::clone(path))
            }
            None => self.error(fault, found),
        }
    }

    fn error<'f>(&self, fault: &str, found: &'f mut Findings<'_>) -> &'f mut Finding {
        let finding = self.warning(fault, found);
        finding.severity = Severity::Error;
        finding
    }

    fn warning<'f>(&self, fault: &str, found: &'f mut Findings<'_>) -> &'f mut Finding {
        let message = self.message().text(format!(", {fault} (IST0101)"));
        found
            .warning(&self.service.meta.key, self.path.clone(), message)
            .subject(self.subject())
            .of_host(&self.target.host)
            .cause(Cause::NotFound)
    }

    /// `None` if the destination has a weight, or is the only one or a mirror.
    fn unweighted(&self) -> Option<&Unweighted> {
        let all = self
            .unweighted
            .get_or_init(|| unweighted(self.service, self.view));
        all.get(&self.path)
    }

    /// The message up to what is wrong.
    fn message(&self) -> Message {
        let (service, subset) = (&self.service.meta.key, &self.destination.subset);
        message!(
            "{service} sends to subset `{subset}` of `{}`",
            self.target.host
        )
        .in_field(&self.path)
    }

    fn report_no_rule(&self, found: &mut Findings<'_>) {
        if self.view.mesh().remote_istio {
            return;
        }
        let message = message!(
            "{} sends to subset `{}`",
            self.service.meta.key,
            self.destination.subset
        )
        .in_field(&self.path)
        .text(format!(
            ", but no DestinationRule is for `{}` (IST0101)",
            self.target.host
        ));
        found
            .warning(&self.service.meta.key, self.path.clone(), message)
            .subject(self.subject())
            .of_host(&self.target.host)
            .help("apply a DestinationRule for the host that defines the subset")
            .missing_for(&self.target.host);
    }

    fn check_visible(&self, defining: &[Typed<'_, DestinationRule>], found: &mut Findings<'_>) {
        let sent = SentSubset {
            service: self.service,
            target: self.target,
            subset: &self.destination.subset,
        };
        if let (Some(reason), Some(first)) = (sent.hidden(defining), defining.first()) {
            let defined = format!(", which {} defines, but {reason}", first.meta.key);
            let message = self.message().text(defined);
            let finding = found.warning(&self.service.meta.key, self.path.clone(), message);
            finding
                .subject(self.subject())
                .of_host(&self.target.host)
                .missing_for(&self.target.host);
            finding.help(DEFINE_VISIBLY);
            for rule in defining {
                finding.with(&rule.meta.key, Path::spec(["exportTo"]));
            }
        }
    }

    fn subject(&self) -> String {
        format!("{} {}", self.target.host, self.destination.subset)
    }
}

const DEFINE_VISIBLY: &str = "define the subset in a DestinationRule that the clients' namespace sees: in that \
     namespace, or exported to it from the Service's or the root namespace";
