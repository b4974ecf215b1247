//! Controllers before and after 1.10 read the dotted name of a reference differently.
//!
//! ## What
//! The `name` of a reference to a VirtualService has dots, and splitting it at the first dot gives another namespace
//! or name than splitting it at the last dot. `name.namespace` with one dot is the same in both cases.
//!
//! ## Why
//! Before 1.10 the controller split the name at the first dot and ignored everything after the second. Since 1.10 it
//! removes a trailing `.cluster.local` and splits at the last dot. After an upgrade or a downgrade, or in another
//! cluster, the controller looks for another VirtualService (argoproj/argo-rollouts#4709).
//!
//! ## Example
//! ```yaml
//! virtualService: {name: app.v2.prod}   # prod/app.v2, before 1.10 v2/app
//! ```
//!
//! ## Fix
//! Give the VirtualService a name without dots, and write `name.namespace` or only the name.

use std::collections::BTreeSet;

use crate::cluster::reference::virtual_service_key;
use crate::cluster::{ArgoVersion, Flow};
use crate::verdict::{Findings, message};

rule!(RG211, Warning, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    // A version that reads the name in the other way.
    let (others, version) = if flow.argo().splits_dotted_names_at_last_dot() {
        ("before 1.10", ArgoVersion(1, 9))
    } else {
        ("from 1.10", ArgoVersion(1, 10))
    };
    for link in flow.virtual_service_links() {
        let name = link.reference.name.as_str();
        let other = virtual_service_key(name, flow.key(), version);
        if other == link.key || !seen.insert(name) {
            continue;
        }
        let path = link.path().field("name");
        let message = message!("{} refers", flow.key())
            .in_field(&path)
            .text(format!(
                " to `{name}`, which is {}, but {other} to controllers {others}",
                link.key,
            ));
        found.warning(flow.key(), path, message).subject(name).help(
            "give the VirtualService a name without dots and refer to it as `name.namespace`",
        );
    }
}
