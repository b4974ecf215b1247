//! A reference's dotted name is read otherwise by controllers before 1.10.
//!
//! ## What
//! The `name` of a reference to a VirtualService has dots, and namespace and name are not the same when
//! it is split at the first dot instead of the last. `name.namespace` with one dot is read alike.
//!
//! ## Why
//! Before 1.10 the controller split at the first dot and dropped what followed the second; since then
//! it drops a trailing `.cluster.local` and splits at the last. An upgrade, a downgrade or another
//! cluster then looks for another VirtualService (argoproj/argo-rollouts#4709).
//!
//! ## Example
//! ```yaml
//! virtualService: {name: app.v2.prod}   # prod/app.v2, before 1.10 v2/app
//! ```
//!
//! ## Fix
//! Give the VirtualService a name without dots, and write `name.namespace` or the name alone.

use std::collections::BTreeSet;

use crate::cluster::reference::virtual_service_key;
use crate::cluster::{ArgoVersion, Flow};
use crate::verdict::{Findings, message};

rule!(RG211, Warning, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    let (others, version) = if flow.argo().splits_dotted_names_at_last_dot() {
        ("before 1.10", ArgoVersion(1, 9))
    } else {
        ("from 1.10", ArgoVersion(1, 10))
    };
    for link in flow.virtual_service_links() {
        let name = link.reference.name.as_str();
        let other = virtual_service_key(name, &flow.key().namespace, version);
        if other == link.key || !seen.insert(name) {
            continue;
        }
        let path = link.path.field("name");
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
