//! `exportTo` has an entry that Istio does not take.
//!
//! ## What
//! In a VirtualService or DestinationRule: `~`, an entry that stands twice (`.` is the own namespace), `*`
//! beside others, or one that is no namespace's name. In a DestinationRule with `workloadSelector`: more
//! than the own namespace.
//!
//! ## Why
//! istiod refuses the object (`istioctl analyze`: IST0106).
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
use super::parts::place::is_malformed;
use crate::field::Path;
use crate::model::{Body, Malformed, Meta, Object};
use crate::verdict::{Cause, Finding, Findings, message};

rule!(RG509, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    let export = match &object.body {
        Body::VirtualService(service) => Export {
            meta: &object.meta,
            entries: &service.export_to,
            malformed: &object.malformed,
            workload_selector: false,
        },
        Body::DestinationRule(rule) => Export {
            meta: &object.meta,
            entries: &rule.export_to,
            malformed: &object.malformed,
            workload_selector: rule.workload_selector,
        },
        _ => return,
    };
    let good = export.entries(found);
    export.beyond(&good, found);
    export.all_and_some(&good, found);
}

struct Export<'a> {
    meta: &'a Meta,
    entries: &'a [String],
    malformed: &'a [Malformed],
    workload_selector: bool,
}

impl<'a> Export<'a> {
    /// Each entry by itself; the good ones, with `.` as the namespace that it stands for.
    fn entries(&self, found: &mut Findings<'_>) -> BTreeSet<&'a str> {
        let mut good = BTreeSet::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let path = path().index(index);
            let namespace = match entry.as_str() {
                "." => self.meta.namespace(),
                other => other,
            };
            if is_malformed(self.malformed, &path) {
                continue;
            }
            if good.contains(namespace) {
                let text = format!("lists the namespace `{namespace}` again");
                self.report(path, &text, "", found)
                    .subject(format!("{namespace} again"))
                    .help("list a namespace once; `.` is the object's own")
                    .cause(Cause::Duplicate);
            } else if namespace == "*" || is_label(namespace) {
                good.insert(namespace);
            } else {
                let text = format!("exports to `{entry}`");
                self.report(path, &text, ", which is not the name of a namespace", found)
                    .subject(entry)
                    .help("write `.`, `*` or the name of a namespace; `~` is for ServiceEntries");
            }
        }
        good
    }

    /// A rule for some workloads is for those of its own namespace.
    fn beyond(&self, good: &BTreeSet<&str>, found: &mut Findings<'_>) {
        let own = self.meta.namespace();
        if self.workload_selector && good.iter().any(|namespace| *namespace != own) {
            let text = "has a `workloadSelector` and exports beyond its own namespace";
            self.report(path(), text, "", found)
                .subject("workloadSelector")
                .help("write `exportTo: [.]`, or leave it out");
        }
    }

    fn all_and_some(&self, good: &BTreeSet<&str>, found: &mut Findings<'_>) {
        if good.contains("*") && self.entries.len() > 1 {
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
        let message = message!("{} {text}", self.meta.key)
            .in_field(&path)
            .text(format!("{reason} (IST0106)"));
        found.error(&self.meta.key, path, message)
    }
}

fn path() -> Path {
    Path::spec(["exportTo"])
}
