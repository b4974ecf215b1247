//! A Rollout's references change during a release.
//!
//! ## What
//! An UPDATE changes `trafficRouting.istio`, `managedRoutes` or one of the six Services of a Rollout whose release is
//! in progress, so that they resolve to another object or list. Another spelling of the same reference is not a
//! change.
//!
//! It is a warning if the write can be a rollback or a repair: it also changes `spec.template` or `workloadRef`,
//! there is a `workloadRef` (the template is in another object), the flow already had an error, entries are only
//! added to a list, or a role that had no Service gets one.
//!
//! It is an error at any time if another Service becomes the stable one of `pingService` and `pongService` and has the
//! hash of another revision, or no hash if the two are swapped.
//!
//! ## Why
//! The controller uses the new objects at once, in the middle of the release. It removes the hashes from Services and
//! DestinationRules that no Rollout names any more, but the weights of the old VirtualService stay at the canary's
//! share; nothing resets them.
//!
//! It never writes into the stable one of ping and pong, so that all traffic would go to another revision, which may
//! have no pods.
//!
//! ## Example
//! ```yaml
//! # Rollout app, at 5 %
//! virtualService: {name: app}       # before
//! virtualService: {name: app-new}   # the write
//! ```
//!
//! ## Fix
//! Finish or abort the release, then change the reference.

use super::judge;
use super::parts::reference_changes::{ReferenceChange, reference_changes};
use crate::cluster::reference::{self, ServiceLink};
use crate::cluster::{Flow, ServiceRole, View};
use crate::field::Path;
use crate::model::{HASH_LABEL, Key, Object, Operation, Rollout, Typed, Write};
use crate::verdict::{Cause, Findings, Severity, message};

rule!(
    RG702,
    Both,
    Write(check),
    reads = [
        Rollout,
        VirtualService,
        DestinationRule,
        Service,
        Namespace,
        Revision
    ]
);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let [old, new] =
        [&write.old, &write.new].map(|object| object.as_ref().and_then(Object::rollout));
    let (Operation::Update, Some(old), Some(new)) = (write.operation, old, new) else {
        return;
    };
    let (old_flow, new_flow) = (Flow::of(old, *view), Flow::of(new, *view));
    check_ping_pong(&old_flow, &new_flow, found);
    if !old_flow.is_in_progress() {
        return;
    }
    let changes = reference_changes(&old_flow, &new_flow);
    if changes.is_empty() {
        return;
    }
    let may_repair = is_release(old, new) || was_in_error(view, &write.key);
    for change in changes {
        report(&write.key, change, may_repair, found);
    }
}

fn report(key: &Key, change: ReferenceChange, may_repair: bool, found: &mut Findings<'_>) {
    let verb = if change.only_adds {
        "adds to"
    } else {
        "changes"
    };
    let message = message!(
        "{key} is in the middle of a release, and this write {verb} `{}`",
        change.path
    );
    let subject = change.path.to_string();
    let finding = if may_repair || change.only_adds {
        found.warning(key, change.path, message)
    } else {
        found.error(key, change.path, message)
    };
    finding
        .subject(subject)
        .help(
            "finish or abort the release, then move the reference: the controller follows it at once, \
             and the weights of an old VirtualService stay as they are",
        )
        .cause(Cause::Forbidden);
}

/// Reports that another Service becomes the stable one of ping and pong and selects another revision. The controller
/// writes the canary's hash alone, and that in a release (`reconcilePingAndPongService`).
fn check_ping_pong(old: &Flow<'_>, new: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(link) = stable_of_pair(new) else {
        return;
    };
    let is_same = stable_of_pair(old).is_some_and(|other| other.key == link.key);
    let stable = &old.rollout.status.stable_rs;
    let service = new.view.service(&link.key);
    let selector = service.and_then(|service| service.body.selector.as_ref());
    let hash = selector.and_then(|selector| selector.get(HASH_LABEL));
    let hash = hash.map_or("", String::as_str);
    // Another Service without a hash selects all pods, which may be of one revision; the other one of the pair is to be
    // the canary's in the next release.
    let is_harmless = hash.is_empty() && !of_pair(old).any(|other| other.key == link.key);
    if service.is_none() || is_same || is_harmless || stable.is_empty() || hash == stable {
        return;
    }
    let pods = if hash.is_empty() {
        "all pods".to_owned()
    } else {
        format!("the pods of `{hash}`")
    };
    let message = message!("{} makes {} the stable Service", new.key(), link.key)
        .in_field(&link.path())
        .text(format!(
            ", which selects {pods} and not those of the stable `{stable}`: the controller writes no hash into it \
             until it is the canary's"
        ));
    found
        .error(new.key(), link.path(), message)
        .subject(format!("stable {}", link.key))
        .help(
            "leave ping and pong as they are: the controller swaps them itself, in \
             `status.canary.stablePingPong`; for Services of another name, first create them without a hash",
        )
        .cause(Cause::Forbidden)
        .with(&link.key, Path::spec(["selector"]).entry(HASH_LABEL));
}

fn of_pair(flow: &Flow<'_>) -> impl Iterator<Item = ServiceLink> {
    let links = reference::services(flow.rollout);
    links.filter(|link| matches!(link.role, ServiceRole::Ping | ServiceRole::Pong))
}

/// The one of ping and pong that has the stable role, if the weights go by them.
fn stable_of_pair(flow: &Flow<'_>) -> Option<ServiceLink> {
    let role = if flow.rollout.status.stable_is_ping() {
        ServiceRole::Ping
    } else {
        ServiceRole::Pong
    };
    let link = of_pair(flow).find(|link| link.role == role)?;
    let roles = flow.roles()?;
    (*roles.stable_service == *link.key.name).then_some(link)
}

/// Whether the write may also change the version, as a rollback does.
fn is_release(old: Typed<'_, Rollout>, new: Typed<'_, Rollout>) -> bool {
    let by_reference = old.workload_ref.is_some() || new.workload_ref.is_some();
    by_reference || old.template_digest != new.template_digest
}

/// Whether the flow already had a fault, which the write may repair.
fn was_in_error(before: &View<'_>, key: &Key) -> bool {
    let findings = judge(before, key);
    findings.iter().any(|finding| {
        let code = finding.rule.code;
        let of_flow = FLOW_RULES.iter().any(|prefix| code.starts_with(prefix));
        of_flow && (finding.severity == Severity::Error || finding.missing)
    })
}

/// The codes of the rules on a Rollout and what it names.
const FLOW_RULES: [&str; 4] = ["RG1", "RG2", "RG3", "RG4"];
