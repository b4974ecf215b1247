//! A Rollout's fields contradict each other or are out of range.
//!
//! ## What
//! A negative `replicas`, `minReadySeconds`, `revisionHistoryLimit` or `progressDeadlineSeconds`;
//! `progressDeadlineSeconds` (600 unless set) not above `minReadySeconds`; `workloadRef` together with a
//! template that has labels or annotations; an `antiAffinity` with both or neither kind, or with a
//! preferred `weight` outside 1 to 100; a blue-green `scaleDownDelayRevisionLimit` above
//! `revisionHistoryLimit` (10 unless set); `pingPong` with a router other than Istio, an ALB or a plugin, or
//! with Istio and a controller before 1.7.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutSpec`,
//! `ValidateRolloutStrategyBlueGreen`, `ValidateRolloutStrategyAntiAffinity`).
//!
//! ## Example
//! ```yaml
//! minReadySeconds: 900
//! progressDeadlineSeconds: 600
//! ```
//!
//! ## Fix
//! Change one of the two fields that the message names.

use super::parts::fault::Fault;
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{AntiAffinity, Rollout};
use crate::verdict::Findings;

rule!(RG110, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let rollout = flow.rollout.body;
    let single = [
        progress_deadline(rollout),
        template_beside_workload(rollout),
        revision_limit(rollout),
        ping_pong_router(flow),
    ];
    let faults = single.into_iter().flatten();
    let faults = faults
        .chain(negative(rollout))
        .chain(anti_affinity(rollout));
    for fault in faults {
        fault.report(flow, found);
    }
}

fn negative(rollout: &Rollout) -> impl Iterator<Item = Fault> {
    let fields = [
        ("replicas", rollout.replicas),
        ("minReadySeconds", rollout.min_ready_seconds),
        ("revisionHistoryLimit", rollout.revision_history_limit),
        ("progressDeadlineSeconds", rollout.progress_deadline_seconds),
    ];
    let set = fields
        .into_iter()
        .filter_map(|(field, n)| Some((field, n?)));
    set.filter(|(_, number)| *number < 0)
        .map(|(field, number)| Fault {
            path: Path::spec([field]),
            subject: field.to_owned(),
            what: format!("has {number}"),
            why: ", which is negative".to_owned(),
            help: "set 0 or more".to_owned(),
        })
}

/// A negative deadline is told as such.
fn progress_deadline(rollout: &Rollout) -> Option<Fault> {
    let deadline = rollout.progress_deadline_seconds.unwrap_or(600);
    let ready = rollout.min_ready_seconds.unwrap_or(0);
    (deadline >= 0 && deadline <= ready).then(|| Fault {
        path: Path::spec(["progressDeadlineSeconds"]),
        subject: "progressDeadlineSeconds".to_owned(),
        what: format!("has {deadline} s"),
        why: format!(", which is not above `minReadySeconds` ({ready} s)"),
        help: "make `progressDeadlineSeconds` greater than `minReadySeconds`".to_owned(),
    })
}

fn template_beside_workload(rollout: &Rollout) -> Option<Fault> {
    (rollout.workload_ref.is_some() && rollout.template_set).then(|| Fault {
        path: Path::spec(["template"]),
        subject: "template".to_owned(),
        what: "has a pod template".to_owned(),
        why: " beside `workloadRef`".to_owned(),
        help: "drop `template`, or drop `workloadRef`".to_owned(),
    })
}

fn revision_limit(rollout: &Rollout) -> Option<Fault> {
    let blue_green = rollout.blue_green.as_ref()?;
    let limit = blue_green.scale_down_delay_revision_limit?;
    let history = rollout.revision_history_limit.unwrap_or(10);
    (limit > history).then(|| Fault {
        path: Path::spec(["strategy", "blueGreen", "scaleDownDelayRevisionLimit"]),
        subject: "scaleDownDelayRevisionLimit".to_owned(),
        what: format!("has {limit}"),
        why: format!(", which is above `revisionHistoryLimit` ({history})"),
        help: "raise `revisionHistoryLimit`, or lower `scaleDownDelayRevisionLimit`".to_owned(),
    })
}

fn ping_pong_router(flow: &Flow<'_>) -> Option<Fault> {
    let canary = flow.canary()?;
    let routing = canary.traffic_routing.as_ref()?;
    canary.ping_pong.as_ref()?;
    let argo = flow.argo();
    let why = match &routing.istio {
        _ if routing.alb => return None,
        Some(_) if argo.routes_ping_pong_with_istio() => return None,
        Some(_) => format!(" with Istio, for which controller {argo} does not support them"),
        None if routing.plugins => return None,
        None => " with a router that is neither Istio nor an ALB nor a plugin".to_owned(),
    };
    Some(Fault {
        path: Path::spec(["strategy", "canary", "pingPong"]),
        subject: "pingPong".to_owned(),
        what: "has ping and pong Services".to_owned(),
        why,
        help: "use `canaryService` and `stableService` with this router".to_owned(),
    })
}

fn anti_affinity(rollout: &Rollout) -> impl Iterator<Item = Fault> {
    let canary = rollout.canary.as_ref();
    let canary = canary.and_then(|canary| canary.anti_affinity.as_ref());
    let blue_green = rollout.blue_green.as_ref();
    let blue_green = blue_green.and_then(|strategy| strategy.anti_affinity.as_ref());
    let canary = canary.map(|affinity| ("canary", affinity));
    let blue_green = blue_green.map(|affinity| ("blueGreen", affinity));
    let set = canary.into_iter().chain(blue_green);
    set.flat_map(|(strategy, affinity)| {
        let path = Path::spec(["strategy", strategy, "antiAffinity"]);
        let faults = [kinds(affinity, &path), preferred_weight(affinity, &path)];
        faults.into_iter().flatten()
    })
}

fn kinds(affinity: &AntiAffinity, path: &Path) -> Option<Fault> {
    let count = match (affinity.preferred, affinity.required) {
        (Some(_), true) => "both kinds",
        (None, false) => "neither kind",
        _ => return None,
    };
    Some(Fault {
        path: path.clone(),
        subject: "antiAffinity".to_owned(),
        what: format!("has {count} of anti-affinity"),
        why: String::new(),
        help: "set one of `preferredDuringSchedulingIgnoredDuringExecution` and \
               `requiredDuringSchedulingIgnoredDuringExecution`"
            .to_owned(),
    })
}

fn preferred_weight(affinity: &AntiAffinity, path: &Path) -> Option<Fault> {
    let weight = affinity.preferred?;
    (!(1..=100).contains(&weight)).then(|| Fault {
        path: path.fields(["preferredDuringSchedulingIgnoredDuringExecution", "weight"]),
        subject: "antiAffinity weight".to_owned(),
        what: format!("has weight {weight}"),
        why: ", which is not from 1 to 100".to_owned(),
        help: "set a weight from 1 to 100".to_owned(),
    })
}
