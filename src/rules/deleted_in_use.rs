//! A VirtualService, DestinationRule or Service is deleted although a flow or a route needs it.
//!
//! ## What
//! The rule reports the DELETE of a VirtualService or DestinationRule that a Rollout names, of one of the six
//! Services that it names, or of a Service that a canary or stable destination in a managed route resolves to. It is
//! an error while a release is in progress, otherwise a warning. A Rollout that is being deleted needs nothing, nor does
//! a Rollout of another namespace whose controller cannot act on the object. A Service that a Rollout of another
//! namespace routes to is a warning.
//!
//! It also reports a warning for a DestinationRule that alone defines a subset to which a VirtualService outside
//! these flows sends.
//!
//! A VirtualService that delegates to one whose route a Rollout manages is in use too.
//!
//! ## Why
//! During a release the traffic of both versions is lost or no longer split, and the controller can neither continue
//! nor abort. An idle Rollout becomes `Degraded: InvalidSpec`.
//!
//! ## Example
//! ```sh
//! kubectl delete destinationrule app   # Rollout app is at 5 %
//! ```
//!
//! ## Fix
//! Finish or abort the release, remove the reference from the Rollout, then delete the object.

use std::collections::{BTreeSet, HashMap};

use super::parts::hidden_subset::SentSubset;
use super::parts::target::Target;
use crate::cluster::{Flow, View, reference};
use crate::field::Path;
use crate::model::{DestinationRule, Key, Kind, Object, Operation, Typed, VirtualService, Write};
use crate::verdict::{Cause, Findings, Message, message};

rule!(
    RG701,
    Both,
    Write(check),
    reads = [Rollout, VirtualService, DestinationRule, Service]
);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    if write.operation != Operation::Delete {
        return;
    }
    for flow in users(&write.key, view) {
        report_flow(&flow, &write.key, found);
    }
    if let Some(rule) = write.old.as_ref().and_then(Object::destination_rule) {
        report_subsets(rule, view, found);
    }
}

/// The flows that the object may be in, without those of Rollouts that are being deleted.
fn users<'a>(key: &Key, view: &View<'a>) -> Vec<Flow<'a>> {
    let mut users = view.flows_with_claim(key);
    if key.kind == Kind::Service {
        let host = view.service_host(key);
        for service in view.virtual_services_sending_to(&host) {
            users.extend(view.flows_with_claim(&service.meta.key));
        }
    }
    if let Some(service) = view.virtual_service(key) {
        for (_, delegate) in reference::delegates(service) {
            users.extend(view.flows_with_claim(&delegate));
        }
    }
    let mut seen = BTreeSet::new();
    users.retain(|flow| seen.insert(flow.key()));
    users
}

fn report_flow(flow: &Flow<'_>, key: &Key, found: &mut Findings<'_>) {
    let Some(usage) = usage(flow, key) else {
        return;
    };
    let in_progress = flow.is_in_progress();
    // A route to a Service of another namespace gives no hold on it.
    let is_owner = flow.is_effective_for(key) || flow.key().namespace == key.namespace;
    let (state, help) = if in_progress {
        (", which is in the middle of a release,", IN_PROGRESS_HELP)
    } else {
        ("", IDLE_HELP)
    };
    let message = message!("{key} is in use: {}{state} ", flow.key()).join(usage.text);
    let path = Path::of(["metadata", "name"]);
    let finding = if in_progress && is_owner {
        found.error(key, path, message)
    } else {
        found.warning(key, path, message)
    };
    finding
        .subject(flow.key().to_string())
        .help(help)
        .cause(Cause::Forbidden);
    for (holder, place) in usage.places {
        finding.with(&holder, place);
    }
}

/// How a flow uses an object.
struct Usage {
    /// What the Rollout does with it: `names it in …`.
    text: Message,
    /// The fields that lead to the object.
    places: Vec<(Key, Path)>,
}

fn usage(flow: &Flow<'_>, key: &Key) -> Option<Usage> {
    named(flow, key)
        .map(|path| Usage {
            text: message!("names it").in_field(&path),
            places: vec![(flow.key().clone(), path)],
        })
        .or_else(|| routed(flow, key))
        .or_else(|| delegating(flow, key))
}

/// The route of the VirtualService that delegates to one that the Rollout names.
fn delegating(flow: &Flow<'_>, key: &Key) -> Option<Usage> {
    let service = flow.view.virtual_service(key)?;
    reference::delegates(service).find_map(|(path, delegate)| {
        let reference = named(flow, &delegate)?;
        Some(Usage {
            text: message!("gets its traffic through it, by {delegate}").with_field(&path),
            places: vec![(flow.key().clone(), reference), (delegate, Path::default())],
        })
    })
}

/// Where the Rollout names the object.
fn named(flow: &Flow<'_>, key: &Key) -> Option<Path> {
    let mut named = reference::named(flow.rollout, flow.argo());
    named.find(|(_, named)| named == key).map(|(path, _)| path)
}

/// The managed destination that resolves to the Service.
fn routed(flow: &Flow<'_>, key: &Key) -> Option<Usage> {
    let mut routed = flow.routed().into_iter();
    let routed = routed.find(|routed| routed.service(&flow.view).as_ref() == Some(key))?;
    let path = routed.path.field("host");
    Some(Usage {
        text: message!(
            "gets its {} traffic through it (`{path}` of {})",
            routed.role.as_str(),
            routed.virtual_service,
        ),
        places: vec![
            (flow.key().clone(), routed.reference.field("name")),
            (routed.virtual_service.clone(), path),
        ],
    })
}

/// Reports the subsets of a deleted DestinationRule that VirtualServices outside its flows still send to.
fn report_subsets(rule: Typed<'_, DestinationRule>, view: &View<'_>, found: &mut Findings<'_>) {
    let host = view.resolve(&rule.host, rule.meta.namespace());
    let flows = view.rollouts_using(&rule.meta.key);
    for service in view.virtual_services_sending_to(&host) {
        let key = &service.meta.key;
        let inside = flows
            .iter()
            .any(|rollout| named(&Flow::of(*rollout, *view), key).is_some());
        if !inside {
            report_sender(rule, service, view, found);
        }
    }
}

fn report_sender(
    rule: Typed<'_, DestinationRule>,
    service: Typed<'_, VirtualService>,
    view: &View<'_>,
    found: &mut Findings<'_>,
) {
    let own: BTreeSet<&String> = rule
        .body
        .subsets
        .iter()
        .map(|subset| &subset.name)
        .collect();
    let mut seen = BTreeSet::new();
    let mut targets: HashMap<&str, Target<'_>> = HashMap::new();
    for (path, destination) in service.body.destinations() {
        if !own.contains(&destination.subset) || seen.contains(&destination.subset) {
            continue;
        }
        let target = targets.entry(&destination.host);
        let target = target.or_insert_with(|| Target::of(service, view, &destination.host));
        let defining = target.defining.get(destination.subset.as_str());
        let is_only = defining.is_some_and(
            |rules| matches!(rules.as_slice(), [only] if only.meta.key == rule.meta.key),
        );
        if !is_only || !seen.insert(&destination.subset) {
            continue;
        }
        let sent = SentSubset {
            service,
            target,
            subset: &destination.subset,
        };
        // Who never saw the rule loses nothing.
        let is_foreign = service.meta.namespace() != rule.meta.namespace();
        if is_foreign && sent.hidden(&[rule]).is_some() {
            continue;
        }
        let place = path.field("subset");
        let message = message!(
            "{} is in use: it alone defines subset `{}`, to which {} sends",
            rule.meta.key,
            destination.subset,
            service.meta.key
        )
        .in_field(&place);
        found
            .warning(&rule.meta.key, Path::of(["metadata", "name"]), message)
            .subject(format!("{} {}", service.meta.key, destination.subset))
            .help("move the route to another subset first, or define the subset elsewhere")
            .cause(Cause::Forbidden)
            .with(&service.meta.key, place);
    }
}

const IN_PROGRESS_HELP: &str =
    "finish or abort the release first, then take the reference out and delete it";
const IDLE_HELP: &str = "take the reference out first, or delete the Rollout before it";
