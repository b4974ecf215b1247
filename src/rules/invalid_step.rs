//! A canary step has no kind, several kinds, or a value that the controller rejects.
//!
//! ## What
//! The rule reports:
//!
//! - a step of no known kind (`setWeight`, `pause`, `experiment`, `analysis`, `setCanaryScale`, `setHeaderRoute`,
//!   `setMirrorRoute`, `plugin`), or of two of the first four;
//! - a `setWeight` outside 0 to `maxTrafficWeight` (100 by default);
//! - a pause whose duration is negative, longer than 32 bits of seconds, or neither a number of seconds nor a Go
//!   duration (`30`, `"30"` and `1h30m` are valid, `1d` is not);
//! - `setCanaryScale` without traffic routing, `setHeaderRoute` without Istio, ALB, Apisix or plugins,
//!   `setMirrorRoute` without Istio or plugins, and an experiment's weight without SMI, ALB, Istio or plugins.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutStrategyCanary`). The API
//! server prunes a misspelt kind, which leaves an empty step.
//!
//! ## Example
//! ```yaml
//! steps:
//! - setWeight: 120
//! - pause: {duration: 1d}
//! ```
//!
//! ## Fix
//! Give each step one kind and a value in its range. Set `trafficRouting` for a step that needs a router.

use super::parts::names::quoted;
use crate::cluster::Flow;
use crate::duration;
use crate::field::Path;
use crate::model::{ExperimentTemplate, IntOrString, Step, TrafficRouting};
use crate::verdict::{Findings, message};

rule!(RG106, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    for (path, step) in flow.rollout.steps() {
        check_kind(flow, step, &path, found);
        check_weight(flow, step, &path, found);
        check_pause(flow, step, &path, found);
        check_router(flow, step, &path, found);
    }
}

fn check_kind(flow: &Flow<'_>, step: &Step, path: &Path, found: &mut Findings<'_>) {
    let exclusive = [
        (step.set_weight.is_some(), "setWeight"),
        (step.pause, "pause"),
        (step.experiment.is_some(), "experiment"),
        (step.analysis.is_some(), "analysis"),
    ];
    let set = exclusive.into_iter().filter(|(set, _)| *set);
    let set: Vec<&str> = set.map(|(_, name)| name).collect();
    let any = !set.is_empty() || step.set_canary_scale || step.plugin;
    if !any && step.route_step().next().is_none() {
        let message = message!("{} has a step of no known kind", flow.key()).in_field(path);
        found
            .error(flow.key(), path.clone(), message)
            .subject("no kind")
            .help(format!("give the step one kind: {}", quoted(KINDS)));
    } else if set.len() > 1 {
        let kinds = quoted(set.iter().copied());
        let message = message!("{} has a step", flow.key())
            .in_field(path)
            .text(format!(" of several kinds: {kinds}"));
        found
            .error(flow.key(), path.clone(), message)
            .subject(set.join(" "))
            .help("split the step into one step for each kind");
    }
}

fn check_weight(flow: &Flow<'_>, step: &Step, path: &Path, found: &mut Findings<'_>) {
    let routing = flow.rollout.traffic_routing();
    let max = routing.and_then(|routing| routing.max_traffic_weight);
    let max = max.unwrap_or(100);
    let Some(weight) = step.set_weight.filter(|weight| !(0..=max).contains(weight)) else {
        return;
    };
    let path = path.field("setWeight");
    let message = message!("{} has weight {weight}", flow.key())
        .in_field(&path)
        .text(format!(", which is not from 0 to {max}"));
    found
        .error(flow.key(), path, message)
        .subject(format!("setWeight {weight}"))
        .help(format!("set a weight from 0 to {max}"));
}

fn check_pause(flow: &Flow<'_>, step: &Step, path: &Path, found: &mut Findings<'_>) {
    let Some(duration) = &step.pause_duration else {
        return;
    };
    let reason = match seconds(duration) {
        Some(0..) => return,
        Some(_) => ", which is negative",
        None => ", which the controller cannot parse as a duration",
    };
    let text = match duration {
        IntOrString::Int(seconds) => seconds.to_string(),
        IntOrString::String(text) => text.clone(),
    };
    let path = path.fields(["pause", "duration"]);
    let message = message!("{} has pause {text:?}", flow.key())
        .in_field(&path)
        .text(reason);
    found
        .error(flow.key(), path, message)
        .subject(format!("pause {text}"))
        .help(
            "write seconds, or numbers with the units `h`, `m` and `s`: `1h30m`; leave the duration out to \
             pause until promoted",
        );
}

/// The seconds that the controller reads, without the fraction. It makes a negative number of more than 32 bits
/// of seconds (68 years).
fn seconds(duration: &IntOrString) -> Option<i32> {
    match duration {
        IntOrString::Int(seconds) => i32::try_from(*seconds).ok(),
        IntOrString::String(text) => text.parse().ok().or_else(|| {
            let nanoseconds = duration::nanoseconds(text)?;
            i32::try_from(nanoseconds / NANOSECONDS_PER_SECOND).ok()
        }),
    }
}

/// Reports what the traffic router cannot do, or that there is none.
fn check_router(flow: &Flow<'_>, step: &Step, path: &Path, found: &mut Findings<'_>) {
    let routing = flow.rollout.traffic_routing();
    let can = |able: fn(&TrafficRouting) -> bool| routing.is_some_and(able);
    let mut needs = |path: Path, subject: String, router: &str| {
        let message = message!("{} has a step", flow.key())
            .in_field(&path)
            .text(format!(" that needs {router}"));
        found
            .error(flow.key(), path, message)
            .subject(subject)
            .help(format!(
                "set `trafficRouting` with {router}, or drop the step"
            ));
    };
    if step.set_canary_scale && routing.is_none() {
        let field = "setCanaryScale";
        needs(path.field(field), field.to_owned(), "a router");
    }
    if let Some(route) = &step.set_header_route
        && !can(|r| r.istio.is_some() || r.alb || r.apisix || r.plugins)
    {
        let subject = format!("setHeaderRoute {}", route.name);
        needs(path.field("setHeaderRoute"), subject, HEADER_ROUTERS);
    }
    if let Some(route) = &step.set_mirror_route
        && !can(|r| r.istio.is_some() || r.plugins)
    {
        let subject = format!("setMirrorRoute {}", route.name);
        needs(path.field("setMirrorRoute"), subject, MIRROR_ROUTERS);
    }
    if !can(|r| r.smi || r.alb || r.istio.is_some() || r.plugins) {
        for (index, template) in weighted_templates(step) {
            let template_path = path.fields(["experiment", "templates"]).index(index);
            let subject = format!("experiment {}", template.name);
            needs(template_path.field("weight"), subject, EXPERIMENT_ROUTERS);
        }
    }
}

fn weighted_templates(step: &Step) -> impl Iterator<Item = (usize, &ExperimentTemplate)> {
    let experiments = step.experiment.iter();
    let templates = experiments.flat_map(|experiment| &experiment.templates);
    templates
        .enumerate()
        .filter(|(_, template)| template.weight.is_some())
}

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_and_go_durations() {
        let known = [
            ("30", 30),
            ("+30", 30),
            ("-1", -1),
            ("1h30m5s", 5405),
            ("-2m", -120),
            ("-500ms", 0),
            ("1500ms", 1),
            ("596523h", 2_147_482_800),
        ];
        let read = |text: &str| seconds(&IntOrString::String(text.to_owned()));
        for (text, seconds) in known {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
        for text in ["", "1.5", "1d", " 1h", "596524h"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"9".repeat(60)), None);
        assert_eq!(seconds(&IntOrString::Int(-1)), Some(-1));
        assert_eq!(seconds(&IntOrString::Int(3_000_000_000)), None);
    }
}
