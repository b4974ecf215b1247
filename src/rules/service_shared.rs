//! Two Rollouts name one Service.
//!
//! ## What
//! A Service that the Rollout names as canary, stable, ping, pong, active or preview is one of these of
//! another Rollout too, one that is not being deleted.
//!
//! ## Why
//! The controller writes one Rollout's hash into the selector and refuses the other Rollout
//! (`Degraded: InvalidSpec`); whose it is depends on who came first.
//!
//! ## Example
//! ```yaml
//! # Rollout app
//! stableService: app
//! # Rollout app-next
//! stableService: app
//! ```
//!
//! ## Fix
//! Give each Rollout Services of its own.

use std::collections::BTreeSet;

use crate::cluster::Flow;
use crate::cluster::reference::{self, ServiceLink};
use crate::model::Rollout;
use crate::verdict::{Cause, Findings};

rule!(RG603, Error, Rollout, reads & [], "service_shared.rs");

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for link in reference::services(flow.rollout) {
        if !seen.insert(link.key.clone()) {
            continue;
        }
        for other in flow.others_using(&link.key) {
            report(flow, &link, other, found);
        }
    }
}

fn report(flow: &Flow<'_>, link: &ServiceLink, other: &Rollout, found: &mut Findings<'_>) {
    let theirs = reference::services(other).find(|theirs| theirs.key == link.key);
    let Some(theirs) = theirs else { return };
    let key = &other.meta.key;
    let message = format!(
        "{} names {} in `{}`, and so does {key} in `{}`",
        flow.key(),
        link.key,
        link.path,
        theirs.path,
    );
    found
        .error(flow.key(), link.path.clone(), message)
        .subject(format!("{} {}", key.full_name(), link.key))
        .help("give each Rollout Services of its own")
        .cause(Cause::Duplicate)
        .with(key, theirs.path)
        .harms_others();
}
