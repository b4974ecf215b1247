//! A VirtualService delegates a route to a VirtualService that cannot be its delegate.
//!
//! ## What
//! The `delegate` of an http route names a VirtualService that does not exist, that has `hosts` (Istio delegates only
//! to a VirtualService without `hosts`), that is not exported to the namespace of the one that delegates, or that has
//! a `delegate` of its own.
//!
//! ## Why
//! Istio drops the route and only writes a line to istiod's log.
//!
//! ## Example
//! ```yaml
//! # VirtualService default/root
//! http:
//! - match: [{uri: {prefix: /reviews}}]
//!   delegate: {name: reviews, namespace: prod}
//! # VirtualService prod/reviews
//! exportTo: [.]
//! ```
//!
//! ## Fix
//! Apply the delegate first, without `hosts` and `gateways`, and export it to the namespace of the VirtualService
//! that names it.

use std::collections::HashMap;

use crate::cluster::{ExportTo, View, reference};
use crate::field::Path;
use crate::model::{Key, Typed, VirtualService};
use crate::verdict::{Cause, Finding, Findings, Message, message};

rule!(RG512, Warning, VirtualService(check));

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    // RG508 reports a delegate that delegates.
    if service.is_delegate() {
        return;
    }
    let mut delegating = HashMap::new();
    for (path, key) in reference::delegates(service) {
        let delegates = *delegating
            .entry(key.clone())
            .or_insert_with(|| delegates(view, &key));
        let delegation = Delegation { service, path, key };
        let named = ["name", "namespace"].map(|field| delegation.path.field(field));
        if !named.iter().any(|path| service.is_malformed(path)) {
            delegation.check(view, delegates, found);
        }
    }
}

/// Whether the VirtualService delegates itself.
fn delegates(view: &View<'_>, key: &Key) -> bool {
    let service = view.virtual_service(key);
    service.is_some_and(|service| service.http().iter().any(|route| route.delegate.is_some()))
}

/// The reference of a VirtualService with hosts to a delegate.
struct Delegation<'a> {
    service: Typed<'a, VirtualService>,
    path: Path,
    key: Key,
}

impl Delegation<'_> {
    fn check(&self, view: &View<'_>, delegates: bool, found: &mut Findings<'_>) {
        if self.key.name.is_empty() {
            self.report_missing_name(found);
        } else if let Some(delegate) = view.virtual_service(&self.key) {
            self.check_delegate(delegate, delegates, found);
        } else if !view.mesh().remote_istio {
            self.warn("which does not exist", found)
                .help("apply the delegate, a VirtualService without `hosts`")
                .cause(Cause::NotFound)
                .with(&self.key, Path::default());
        }
    }

    fn report_missing_name(&self, found: &mut Findings<'_>) {
        let path = self.path.field("name");
        let message = Message::missing(&self.service.meta.key, &path);
        found
            .warning(&self.service.meta.key, path, message)
            .subject("no name")
            .help("name the VirtualService that has the route")
            .cause(Cause::Required);
    }

    fn check_delegate(
        &self,
        delegate: Typed<'_, VirtualService>,
        delegates: bool,
        found: &mut Findings<'_>,
    ) {
        let (owner, root) = (delegate.meta.namespace(), self.service.meta.namespace());
        let (fault, help, field) = if !delegate.is_delegate() {
            let help = "drop the delegate's `hosts` and `gateways`";
            ("which has `hosts` and so is not a delegate", help, "hosts")
        } else if !ExportTo::new(&delegate.export_to, owner).includes(root) {
            let help = "add the namespace to the delegate's `exportTo`";
            ("which is not exported to its namespace", help, "exportTo")
        } else if delegates {
            let help = "delegate to the VirtualService that has the routes";
            ("which has a `delegate` of its own", help, "http")
        } else {
            return;
        };
        self.warn(fault, found)
            .help(help)
            .with(&self.key, Path::spec([field]));
    }

    fn warn<'f>(&self, fault: &str, found: &'f mut Findings<'_>) -> &'f mut Finding {
        let message = message!("{} delegates to {}", self.service.meta.key, self.key)
            .in_field(&self.path)
            .text(format!(", {fault}: Istio drops the route"));
        found
            .warning(&self.service.meta.key, self.path.clone(), message)
            .subject(self.key.full_name())
    }
}
