//! A canary step that the controller refuses.
//!
//! ## What
//! A step of no known kind (`setWeight`, `pause`, `experiment`, `analysis`, `setCanaryScale`,
//! `setHeaderRoute`, `setMirrorRoute`, `plugin`), or of two of the first four; a `setWeight` outside 0 to
//! `maxTrafficWeight` (100 unless set); a pause whose duration is negative, longer than 32 bits of seconds
//! or neither seconds nor a Go duration (`30`, `"30"`, `1h30m`; not `1d`); `setCanaryScale` without
//! traffic routing; `setHeaderRoute` without Istio, ALB, Apisix or plugins; `setMirrorRoute` without Istio
//! or plugins; an experiment's weight without SMI, ALB, Istio or plugins.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops
//! (`ValidateRolloutStrategyCanary`). A misspelt kind is pruned by the API server: an empty step is left.
//!
//! ## Example
//! ```yaml
//! steps:
//! - setWeight: 120
//! - pause: {duration: 1d}
//! ```
//!
//! ## Fix
//! Give each step one kind and a value in its range; for what needs a router, set `trafficRouting`.

use super::parts::duration::seconds;
use super::parts::fault::Fault;
use super::parts::label::list;
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{ExperimentTemplate, IntOrString, Step, TrafficRouting};
use crate::verdict::Findings;

rule!(RG106, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let routing = flow.rollout.traffic_routing();
    for (path, step) in flow.rollout.steps() {
        let own = [
            kind(step, &path),
            weight(step, &path, routing),
            pause(step, &path),
        ];
        let routed = router_faults(step, &path, routing);
        for fault in own.into_iter().flatten().chain(routed) {
            fault.report(flow, found);
        }
    }
}

fn kind(step: &Step, path: &Path) -> Option<Fault> {
    let exclusive = [
        (step.set_weight.is_some(), "setWeight"),
        (step.pause, "pause"),
        (step.experiment.is_some(), "experiment"),
        (step.analysis, "analysis"),
    ];
    let set = exclusive.into_iter().filter(|(set, _)| *set);
    let set: Vec<&str> = set.map(|(_, name)| name).collect();
    let any = !set.is_empty() || step.set_canary_scale || step.plugin;
    if !any && step.route_step().next().is_none() {
        return Some(Fault {
            path: path.clone(),
            subject: "no kind".to_owned(),
            what: "has a step of no known kind".to_owned(),
            why: String::new(),
            help: format!("give the step one kind: {}", list(KINDS)),
        });
    }
    (set.len() > 1).then(|| Fault {
        path: path.clone(),
        subject: set.join(" "),
        what: "has a step".to_owned(),
        why: format!(" of several kinds: {}", list(set)),
        help: "make a step of each".to_owned(),
    })
}

fn weight(step: &Step, path: &Path, routing: Option<&TrafficRouting>) -> Option<Fault> {
    let weight = step.set_weight?;
    let most = routing.and_then(|routing| routing.max_traffic_weight);
    let most = most.unwrap_or(100);
    (weight < 0 || weight > most).then(|| Fault {
        path: path.field("setWeight"),
        subject: format!("setWeight {weight}"),
        what: format!("has weight {weight}"),
        why: format!(", which is not from 0 to {most}"),
        help: format!("set a weight from 0 to {most}"),
    })
}

fn pause(step: &Step, path: &Path) -> Option<Fault> {
    let duration = step.pause_duration.as_ref()?;
    let text = match duration {
        IntOrString::Int(seconds) => seconds.to_string(),
        IntOrString::String(text) => text.clone(),
    };
    let why = match seconds(duration) {
        Some(seconds) if seconds >= 0 => return None,
        Some(_) => ", which is negative",
        None => ", which is no duration that the controller reads",
    };
    Some(Fault {
        path: path.fields(["pause", "duration"]),
        subject: format!("pause {text}"),
        what: format!("has pause {text:?}"),
        why: why.to_owned(),
        help: "write seconds, or numbers with the units `h`, `m` and `s`: `1h30m`; leave the duration \
               out to pause until promoted"
            .to_owned(),
    })
}

/// What the traffic router, or the lack of one, cannot do.
fn router_faults(step: &Step, path: &Path, routing: Option<&TrafficRouting>) -> Vec<Fault> {
    let can = |able: fn(&TrafficRouting) -> bool| routing.is_some_and(able);
    let mut faults = Vec::new();
    if step.set_canary_scale && routing.is_none() {
        let subject = "setCanaryScale".to_owned();
        faults.push(unable(path.field("setCanaryScale"), subject, "a router"));
    }
    if let Some(route) = &step.set_header_route
        && !can(|r| r.istio.is_some() || r.alb || r.apisix || r.plugins)
    {
        let subject = format!("setHeaderRoute {}", route.name);
        faults.push(unable(
            path.field("setHeaderRoute"),
            subject,
            HEADER_ROUTERS,
        ));
    }
    if let Some(route) = &step.set_mirror_route
        && !can(|r| r.istio.is_some() || r.plugins)
    {
        let subject = format!("setMirrorRoute {}", route.name);
        faults.push(unable(
            path.field("setMirrorRoute"),
            subject,
            MIRROR_ROUTERS,
        ));
    }
    if !can(|r| r.smi || r.alb || r.istio.is_some() || r.plugins) {
        faults.extend(weighted_templates(step).map(|(index, template)| {
            let templates = path.fields(["experiment", "templates"]);
            let subject = format!("experiment {}", template.name);
            unable(
                templates.index(index).field("weight"),
                subject,
                EXPERIMENT_ROUTERS,
            )
        }));
    }
    faults
}

fn weighted_templates(step: &Step) -> impl Iterator<Item = (usize, &ExperimentTemplate)> {
    let experiments = step.experiment.iter();
    let templates = experiments.flat_map(|experiment| &experiment.templates);
    templates
        .enumerate()
        .filter(|(_, template)| template.weight.is_some())
}

fn unable(path: Path, subject: String, needs: &str) -> Fault {
    Fault {
        path,
        subject,
        what: "has a step".to_owned(),
        why: format!(" that needs {needs}"),
        help: format!("set `trafficRouting` with {needs}, or drop the step"),
    }
}

const HEADER_ROUTERS: &str = "Istio, an ALB, Apisix or a plugin";

const MIRROR_ROUTERS: &str = "Istio or a plugin";

const EXPERIMENT_ROUTERS: &str = "SMI, an ALB, Istio or a plugin";

const KINDS: [&str; 8] = [
    "setWeight",
    "pause",
    "experiment",
    "analysis",
    "setCanaryScale",
    "setHeaderRoute",
    "setMirrorRoute",
    "plugin",
];
