//! A Rollout's `workloadRef` names a kind that the controller does not accept, or an object that does not exist.
//!
//! ## What
//! The rule reports an error if `apiVersion` and `kind` of `workloadRef` are not those of an `apps/v1` Deployment, an
//! `apps/v1` ReplicaSet or a `v1` PodTemplate. It reports a warning if the object does not exist in the Rollout's
//! namespace. For this it needs to know objects of the kind: in a cluster it does, and in `check` if the input has one
//! or with `--complete`.
//!
//! ## Why
//! The controller cannot read the pod template (`templateref.go`, `Resolve`). It stops before every other step, so the
//! Rollout makes no progress and its weights and hashes stay as they are.
//!
//! ## Example
//! ```yaml
//! workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: app}
//! ```
//!
//! ## Fix
//! Name an existing Deployment, ReplicaSet or PodTemplate, or move the template into the Rollout.

use crate::cluster::{Flow, reference};
use crate::field::Path;
use crate::verdict::{Findings, message};

rule!(
    RG112,
    Both,
    Rollout(check),
    reads = [Deployment, ReplicaSet, PodTemplate]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(named) = &flow.rollout.workload_ref else {
        return;
    };
    let path = Path::spec(["workloadRef"]);
    if flow.rollout.is_malformed(&path.field("kind"))
        || flow.rollout.is_malformed(&path.field("apiVersion"))
    {
        return;
    }
    let Some(key) = reference::workload(flow.rollout).filter(|key| {
        let version = named.api_version.rsplit('/').next().unwrap_or_default();
        key.kind.versions().contains(&version)
    }) else {
        let message = message!(
            "{} takes its pod template from kind `{}` of `{}`",
            flow.key(),
            named.kind,
            named.api_version
        )
        .in_field(&path)
        .text(", which the controller does not accept");
        found
            .error(flow.key(), path.field("kind"), message)
            .subject("kind")
            .help("name a Deployment or ReplicaSet of `apps/v1`, or a PodTemplate of `v1`");
        return;
    };
    let is_known = flow.view.knows(&[key.kind]);
    if named.name.is_empty() || !is_known || flow.view.get(&key).is_some() {
        return;
    }
    let message = message!("{} takes its pod template from {key}", flow.key())
        .in_field(&path)
        .text(", which does not exist");
    found
        .warning(flow.key(), path.field("name"), message)
        .subject(key.to_string())
        .help("apply the workload, or correct the name")
        .missing(&key);
}
