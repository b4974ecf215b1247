//! A Rollout: its release, the VirtualServices that it names, and the Services that no route leads to.

use std::collections::BTreeSet;

use super::builder::Builder;
use super::node::{Mark, Node, Place};
use crate::cluster::{Flow, Role, ServiceRole, reference};
use crate::model::{Key, Rollout, Step, Typed};

/// A flow, and the roles of its destinations.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub flow: Flow<'a>,
}

impl<'a> Builder<'a> {
    pub(super) fn rollout(&self, rollout: Typed<'a, Rollout>) -> Node {
        let flow = Flow::of(rollout, self.view);
        let key = flow.key();
        let mut node = Node::of_object(key);
        self.release(&flow, &mut node);
        let mut shown = BTreeSet::new();
        for link in flow.virtual_service_links() {
            let named = self.view.virtual_service(&link.key);
            let owner = Owner { flow };
            let child = match named {
                Some(service) => self.virtual_service(service, Some((owner, &link)), &mut shown),
                None => missing_at(key, link.path().field("name"), &link.key),
            };
            node.children.push(child);
        }
        if let Some(link) = reference::destination_rule(rollout)
            && !shown.contains(&link.key)
        {
            let child = match self.view.destination_rule(&link.key) {
                Some(rule) => self.rule(rule),
                None => missing_at(key, link.path().field("name"), &link.key),
            };
            node.children.push(child);
        }
        let services = reference::services(rollout).filter(|link| !shown.contains(&link.key));
        node.children.extend(services.map(|link| {
            let mut child = match self.view.service(&link.key) {
                Some(service) => self.service(service, Some((&flow, link.role))),
                None => missing_at(key, link.path(), &link.key),
            };
            child.fact("named", link.role.field());
            child
        }));
        node
    }

    /// Where the release is.
    fn release(&self, flow: &Flow<'_>, node: &mut Node) {
        let key = flow.key();
        let status = &flow.rollout.status;
        let text = |pointer| self.details.text(key, pointer);
        node.fact("phase", text("/status/phase").unwrap_or_default());
        node.fact("strategy", strategy(flow.rollout.body));
        if let Some(step) = self.step(flow) {
            node.fact("step", step);
        }
        if let Some(weights) = &status.weights {
            let (canary, stable) = (weights.canary.weight, weights.stable.weight);
            node.fact("weights", format!("canary {canary} %, stable {stable} %"));
        }
        if !status.stable_rs.is_empty() {
            let revisions = if status.current_pod_hash == status.stable_rs {
                status.stable_rs.clone()
            } else {
                format!("{} → {}", status.stable_rs, status.current_pod_hash)
            };
            node.fact("revision", revisions);
            let release = if flow.is_in_progress() {
                "in progress"
            } else {
                "idle"
            };
            node.fact("release", release);
        }
        if status.abort {
            node.fact(
                "aborted",
                text("/status/message").unwrap_or_else(|| "yes".into()),
            );
        }
        if flow.rollout.meta.deleting {
            node.fact("state", "is being deleted");
        }
    }

    /// `2 of 6, setWeight 5`; the controller counts from 0.
    fn step(&self, flow: &Flow<'_>) -> Option<String> {
        let steps = &flow.canary()?.steps;
        let index = self.details.text(flow.key(), "/status/currentStepIndex")?;
        let index: usize = index.parse().ok()?;
        let count = steps.len();
        Some(match steps.get(index) {
            Some(step) => format!("{} of {count}, {}", index + 1, describe(step)),
            None => format!("all {count} done"),
        })
    }
}

impl Owner<'_> {
    /// How a destination of the role is drawn.
    pub fn mark(role: Option<Role>) -> Mark {
        match role {
            Some(Role::Canary) => Mark::Canary,
            Some(Role::Stable) => Mark::Stable,
            Some(Role::Experiment | Role::Additional) | None => Mark::Plain,
        }
    }
}

/// How a Service of the role is drawn.
pub(super) fn service_mark(flow: &Flow<'_>, role: ServiceRole) -> Mark {
    let ping = flow.rollout.status.stable_is_ping();
    match role {
        ServiceRole::Stable | ServiceRole::Active => Mark::Stable,
        ServiceRole::Ping if ping => Mark::Stable,
        ServiceRole::Pong if !ping => Mark::Stable,
        _ => Mark::Canary,
    }
}

/// A missing object, at the field that names it.
fn missing_at(holder: &Key, path: crate::field::Path, key: &Key) -> Node {
    let mut node = Node::missing(key);
    node.place = Some(Place {
        key: holder.clone(),
        path,
    });
    node
}

fn strategy(rollout: &Rollout) -> &'static str {
    match (&rollout.canary, &rollout.blue_green) {
        (Some(canary), _) if canary.ping_pong.is_some() => "canary, ping-pong",
        (Some(_), _) => "canary",
        (None, Some(_)) => "blue-green",
        (None, None) => "",
    }
}

/// A step in a few words.
pub fn describe(step: &Step) -> String {
    if let Some(weight) = step.set_weight {
        return format!("setWeight {weight}");
    }
    if let Some(route) = &step.set_header_route {
        return format!("setHeaderRoute {}", route.name);
    }
    if let Some(route) = &step.set_mirror_route {
        return format!("setMirrorRoute {}", route.name);
    }
    let named = [
        (step.pause, "pause"),
        (step.experiment.is_some(), "experiment"),
        (step.analysis.is_some(), "analysis"),
        (step.set_canary_scale, "setCanaryScale"),
        (step.plugin, "plugin"),
    ];
    let named = named.into_iter().find(|(present, _)| *present);
    named.map_or("an empty step", |(_, name)| name).to_owned()
}
