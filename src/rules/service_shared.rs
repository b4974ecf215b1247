//! Two Rollouts name the same Service.
//!
//! ## What
//! A Service that the Rollout names as canary, stable, ping, pong, active or preview Service is also one of these for
//! another Rollout, which is not being deleted. A Rollout that the controller refuses and has never reconciled harms
//! nobody: it alone gets a warning.
//!
//! ## Why
//! The controller writes the hash of one Rollout into the selector and sets the other Rollout to `Degraded:
//! InvalidSpec`. Which of the two it is depends on which came first.
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
//! Give each Rollout its own Services.

use std::collections::BTreeSet;

use crate::cluster::Flow;
use crate::cluster::reference::{self, ServiceLink};
use crate::field::Path;
use crate::model::Key;
use crate::verdict::{Cause, Findings, Message, message};

rule!(RG603, Both, Rollout(check), reads = [Service]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for link in reference::services(flow.rollout) {
        if !seen.insert(link.key.clone()) {
            continue;
        }
        report(flow, &link, found);
    }
}

fn report(flow: &Flow<'_>, link: &ServiceLink, found: &mut Findings<'_>) {
    let others = flow.other_owners(&link.key).filter_map(|other| {
        let theirs = reference::services(other).find(|theirs| theirs.key == link.key)?;
        Some((&other.meta.key, theirs.path()))
    });
    let others: Vec<(&Key, Path)> = others.take(MAX_COUNTED).collect();
    if others.is_empty() {
        return;
    }
    let message = message!("{} names {}", flow.key(), link.key)
        .in_field(&link.path())
        .join(named_by(&others));
    let finding = if flow.is_effective_for(&link.key) {
        found.error(flow.key(), link.path(), message).harms_others()
    } else {
        found.warning(flow.key(), link.path(), message)
    };
    finding
        .subject(link.key.full_name())
        .help(
            "give each Rollout Services of its own; to rename a Rollout, delete the old one first",
        )
        .cause(Cause::Duplicate)
        .mutual();
    for (key, path) in others.into_iter().take(MAX_ROLLOUTS) {
        finding.with(key, path);
        flow.note_owner(key, &link.key);
    }
}

/// `, and so does …`: the other Rollouts and the fields that name the Service.
fn named_by(others: &[(&Key, Path)]) -> Message {
    let mut message = Message::from(", and so does ".to_owned());
    for (index, (key, path)) in others.iter().take(MAX_ROLLOUTS).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        message = message.text(format!("{separator}{key}")).in_field(path);
    }
    match others.len().saturating_sub(MAX_ROLLOUTS) {
        0 => message,
        more => message.text(format!(" and {more} more")),
    }
}

/// How many other Rollouts a message names.
const MAX_ROLLOUTS: usize = 3;
/// How many it counts: of thousands, each would count all.
const MAX_COUNTED: usize = 50;
