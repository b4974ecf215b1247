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

use crate::cluster::{ArgoVersion, Flow, reference};
use crate::model::{Key, Kind};
use crate::verdict::Findings;

rule!(RG211, Warning, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for link in reference::virtual_services(flow.rollout) {
        let name = link.reference.name.as_str();
        let before = before_1_10(name, &flow.key().namespace);
        if before == link.key || !seen.insert(name) {
            continue;
        }
        let path = link.path.field("name");
        let message = format!(
            "{} refers in `{path}` to `{name}`, which is {}, but {before} to {}",
            flow.key(),
            link.key,
            readers(flow.view.mesh().argo_version),
        );
        found.warning(flow.key(), path, message).subject(name).help(
            "give the VirtualService a name without dots and refer to it as `name.namespace`",
        );
    }
}

/// Namespace and name as controllers before 1.10 found them: the second and the first part.
fn before_1_10(name: &str, namespace: &str) -> Key {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    let second = parts.next().filter(|part| !part.is_empty());
    Key::new(Kind::VirtualService, second.unwrap_or(namespace), first)
}

/// Who reads the name otherwise.
fn readers(version: ArgoVersion) -> String {
    if version < LAST_DOT {
        format!("the controller, which is {version}")
    } else {
        format!("controllers before {LAST_DOT}")
    }
}

/// The first version that splits at the last dot.
const LAST_DOT: ArgoVersion = ArgoVersion(1, 10);
