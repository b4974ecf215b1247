//! An entry of `exportTo` is not valid.
//!
//! ## What
//! In a VirtualService or DestinationRule, `exportTo` has `~`, the same namespace twice (`.` is the object's own),
//! `*` together with other entries, or an entry that is not the name of a namespace. In a DestinationRule with
//! `workloadSelector`, it has another namespace than the object's own.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! exportTo: ["*", payments]
//! ```
//!
//! ## Fix
//! Write `.`, or `*`, or the names of namespaces, each once.

use std::collections::BTreeSet;

use super::parts::istio_names::is_label;
use crate::field::Path;
use crate::model::{Body, Object};
use crate::verdict::{Cause, Finding, Findings, message};

rule!(RG509, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    let (entries, workload_selector) = match &object.body {
        Body::VirtualService(service) => (&service.export_to, false),
        Body::DestinationRule(rule) => (&rule.export_to, rule.workload_selector),
        _ => return,
    };
    let export = Export { object, entries };
    let valid = export.check_entries(found);
    if workload_selector {
        export.check_own_namespace(&valid, found);
    }
    export.check_all_alone(&valid, found);
}

/// An `exportTo` and the object that it is in.
struct Export<'a> {
    object: &'a Object,
    entries: &'a [String],
}

impl<'a> Export<'a> {
    /// Checks each entry alone. Returns the valid ones, with `.` replaced by the object's namespace.
    fn check_entries(&self, found: &mut Findings<'_>) -> BTreeSet<&'a str> {
        let mut valid = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let path = path().index(index);
            let namespace = match entry.as_str() {
                "." => self.object.meta.namespace(),
                other => other,
            };
            if self.object.is_malformed(&path) {
                continue;
            }
            if valid.contains(namespace) {
                let text = format!("lists the namespace `{namespace}` again");
                self.report(path, &text, "", found)
                    .subject(format!("{namespace} again"))
                    .help("list a namespace once; `.` is the object's own")
                    .cause(Cause::Duplicate);
            } else if namespace == "*" || is_label(namespace) {
                valid.insert(namespace);
            } else {
                let text = format!("exports to `{entry}`");
                self.report(path, &text, ", which is not the name of a namespace", found)
                    .subject(entry)
                    .help("write `.`, `*` or the name of a namespace; `~` is for ServiceEntries");
            }
        }
        valid
    }

    /// A DestinationRule for some workloads is only for its own namespace.
    fn check_own_namespace(&self, valid: &BTreeSet<&str>, found: &mut Findings<'_>) {
        let own = self.object.meta.namespace();
        if valid.iter().any(|namespace| *namespace != own) {
            let text = "has a `workloadSelector` and exports beyond its own namespace";
            self.report(path(), text, "", found)
                .subject("workloadSelector")
                .help("write `exportTo: [.]`, or leave it out");
        }
    }

    /// `*` is valid only as the single entry.
    fn check_all_alone(&self, valid: &BTreeSet<&str>, found: &mut Findings<'_>) {
        if valid.contains("*") && self.entries.len() > 1 {
            let text = "exports to `*` and to other namespaces";
            self.report(path(), text, "", found)
                .subject("*")
                .help("keep `*` alone, or the others alone");
        }
    }

    /// Reports `<object> <text> in <path><reason>`.
    fn report<'f>(
        &self,
        path: Path,
        text: &str,
        reason: &str,
        found: &'f mut Findings<'_>,
    ) -> &'f mut Finding {
        let message = message!("{} {text}", self.object.key())
            .in_field(&path)
            .text(format!("{reason} (IST0106)"));
        found.error(self.object.key(), path, message)
    }
}

fn path() -> Path {
    Path::spec(["exportTo"])
}
