//! Fields of a Rollout conflict or are out of range.
//!
//! ## What
//! The rule reports:
//!
//! - a negative `replicas`, `minReadySeconds`, `revisionHistoryLimit` or `progressDeadlineSeconds`;
//! - a `progressDeadlineSeconds` (600 by default) that is not above `minReadySeconds`;
//! - `workloadRef` together with a template that has labels or annotations;
//! - an `antiAffinity` with both or neither kind, or with a preferred `weight` outside 1 to 100;
//! - a blue-green `scaleDownDelayRevisionLimit` above `revisionHistoryLimit` (10 by default);
//! - `pingPong` with a router other than Istio, an ALB or a plugin, or with Istio and a controller before 1.7.
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
//! Change one of the fields that the message names.

use crate::cluster::Flow;
use crate::field::Path;
use crate::model::AntiAffinity;
use crate::verdict::{Findings, message};

rule!(RG110, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    check_progress_deadline(flow, found);
    check_template_and_workload(flow, found);
    check_revision_limit(flow, found);
    check_ping_pong_router(flow, found);
    check_negative(flow, found);
    let canary = flow.canary();
    if let Some(affinity) = canary.and_then(|canary| canary.anti_affinity.as_ref()) {
        check_anti_affinity(flow, affinity, "canary", found);
    }
    let blue_green = flow.rollout.blue_green.as_ref();
    if let Some(affinity) = blue_green.and_then(|strategy| strategy.anti_affinity.as_ref()) {
        check_anti_affinity(flow, affinity, "blueGreen", found);
    }
}

/// A negative deadline is left to `check_negative`.
fn check_progress_deadline(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let field = "progressDeadlineSeconds";
    let deadline = flow.rollout.progress_deadline_seconds;
    let deadline = deadline.unwrap_or(DEFAULT_PROGRESS_DEADLINE_SECONDS);
    let ready = flow.rollout.min_ready_seconds.unwrap_or(0);
    if deadline >= 0 && deadline <= ready {
        let path = Path::spec([field]);
        let message = message!(
            "{}: `{path}` is {deadline}, but must be greater than `minReadySeconds` ({ready})",
            flow.key()
        );
        found
            .error(flow.key(), path, message)
            .subject(field)
            .help("make `progressDeadlineSeconds` greater than `minReadySeconds`");
    }
}

fn check_template_and_workload(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if flow.rollout.workload_ref.is_some() && flow.rollout.template_set {
        let path = Path::spec(["template"]);
        let message = message!("{} has a pod template", flow.key())
            .in_field(&path)
            .text(" beside `workloadRef`");
        found
            .error(flow.key(), path, message)
            .subject("template")
            .help("drop `template`, or drop `workloadRef`");
    }
}

fn check_revision_limit(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let field = "scaleDownDelayRevisionLimit";
    let blue_green = flow.rollout.blue_green.as_ref();
    let limit = blue_green.and_then(|strategy| strategy.scale_down_delay_revision_limit);
    let history = flow.rollout.revision_history_limit;
    let history = history.unwrap_or(DEFAULT_REVISION_HISTORY_LIMIT);
    if let Some(limit) = limit.filter(|limit| *limit > history) {
        let path = Path::spec(["strategy", "blueGreen", field]);
        let message = message!(
            "{}: `{path}` is {limit}, but must not be greater than `revisionHistoryLimit` ({history})",
            flow.key()
        );
        found
            .error(flow.key(), path, message)
            .subject(field)
            .help("raise `revisionHistoryLimit`, or lower `scaleDownDelayRevisionLimit`");
    }
}

fn check_ping_pong_router(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let canary = flow.canary().filter(|canary| canary.ping_pong.is_some());
    let Some(routing) = canary.and_then(|canary| canary.traffic_routing.as_ref()) else {
        return;
    };
    let argo = flow.argo();
    let router = match &routing.istio {
        _ if routing.alb => return,
        Some(_) if argo.routes_ping_pong_with_istio() => return,
        Some(_) => format!("Istio, for which controller {argo} does not support them"),
        None if routing.plugins => return,
        None => "a router that is neither Istio nor an ALB nor a plugin".to_owned(),
    };
    let path = Path::spec(["strategy", "canary", "pingPong"]);
    let message = message!("{} has ping and pong Services", flow.key())
        .in_field(&path)
        .text(format!(" with {router}"));
    found
        .error(flow.key(), path, message)
        .subject("pingPong")
        .help("use `canaryService` and `stableService` with this router");
}

fn check_negative(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let rollout = flow.rollout;
    let fields = [
        ("replicas", rollout.replicas),
        ("minReadySeconds", rollout.min_ready_seconds),
        ("revisionHistoryLimit", rollout.revision_history_limit),
        ("progressDeadlineSeconds", rollout.progress_deadline_seconds),
    ];
    for (field, number) in fields {
        if let Some(number @ ..0) = number {
            let path = Path::spec([field]);
            let message = message!(
                "{}: `{path}` is {number}, but must be 0 or more",
                flow.key()
            );
            found
                .error(flow.key(), path, message)
                .subject(field)
                .help("set 0 or more");
        }
    }
}

fn check_anti_affinity(
    flow: &Flow<'_>,
    affinity: &AntiAffinity,
    strategy: &'static str,
    found: &mut Findings<'_>,
) {
    let path = Path::spec(["strategy", strategy, "antiAffinity"]);
    let count = match (affinity.preferred, affinity.required) {
        (Some(_), true) => Some("both kinds"),
        (None, false) => Some("neither kind"),
        _ => None,
    };
    if let Some(count) = count {
        let message = message!("{} has {count} of anti-affinity", flow.key()).in_field(&path);
        found
            .error(flow.key(), path.clone(), message)
            .subject("antiAffinity")
            .help(
                "set one of `preferredDuringSchedulingIgnoredDuringExecution` and \
                 `requiredDuringSchedulingIgnoredDuringExecution`",
            );
    }
    let weight = affinity.preferred;
    if let Some(weight) = weight.filter(|weight| !(1..=100).contains(weight)) {
        let path = path.fields(["preferredDuringSchedulingIgnoredDuringExecution", "weight"]);
        let message = message!(
            "{}: `{path}` is {weight}, but must be from 1 to 100",
            flow.key()
        );
        found
            .error(flow.key(), path, message)
            .subject("antiAffinity weight")
            .help("set a weight from 1 to 100");
    }
}

const DEFAULT_PROGRESS_DEADLINE_SECONDS: i64 = 600;
const DEFAULT_REVISION_HISTORY_LIMIT: i64 = 10;
