//! A Rollout's strategy is not one, or has options that exclude each other.
//!
//! ## What
//! Both or neither of `canary` and `blueGreen`; a canary whose `maxSurge` and `maxUnavailable` are both 0
//! (text that is neither a number nor a percentage counts as 0); a canary with `scaleDownDelaySeconds` or
//! `dynamicStableScale` without traffic routing, or with both; `maxTrafficWeight` with neither Nginx nor
//! plugins.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutStrategy`,
//! `ValidateRolloutStrategyCanary`, `invalidMaxSurgeMaxUnavailable`).
//!
//! ## Example
//! ```yaml
//! strategy:
//!   canary:
//!     maxSurge: 0
//!     maxUnavailable: 0%
//! ```
//!
//! ## Fix
//! Keep one strategy, leave room for one pod at least, and drop the option that the router does not know.

use std::num::IntErrorKind;

use super::parts::fault::Fault;
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{Canary, IntOrString};
use crate::verdict::{Cause, Findings};

rule!(RG108, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    check_choice(flow, found);
    let Some(canary) = flow.canary() else {
        return;
    };
    let faults = [
        pods(canary),
        scale_down_delay(canary),
        dynamic_stable_scale(canary),
        max_traffic_weight(canary),
    ];
    for fault in faults.into_iter().flatten() {
        fault.report(flow, found);
    }
}

fn check_choice(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let (what, cause) = match (flow.canary(), &flow.rollout.blue_green) {
        (None, None) => ("has neither `canary` nor `blueGreen`", Cause::Required),
        (Some(_), Some(_)) => ("has both `canary` and `blueGreen`", Cause::Invalid),
        _ => return,
    };
    let fault = Fault {
        path: Path::spec(["strategy"]),
        subject: "strategy".to_owned(),
        what: what.to_owned(),
        why: String::new(),
        help: "set exactly one of `canary` and `blueGreen`".to_owned(),
    };
    fault.report(flow, found).cause(cause);
}

fn pods(canary: &Canary) -> Option<Fault> {
    let both = is_zero(canary.max_surge.as_ref()) && is_zero(canary.max_unavailable.as_ref());
    both.then(|| Fault {
        path: option("maxSurge"),
        subject: "maxSurge".to_owned(),
        what: "lets no pod be replaced: `maxUnavailable` is 0, and so is `maxSurge`".to_owned(),
        why: String::new(),
        help: "give one of the two at least 1 or `1%`".to_owned(),
    })
}

fn scale_down_delay(canary: &Canary) -> Option<Fault> {
    let set = canary.scale_down_delay_seconds.is_some();
    (set && canary.traffic_routing.is_none()).then(|| Fault {
        path: option("scaleDownDelaySeconds"),
        subject: "scaleDownDelaySeconds".to_owned(),
        what: "has a delay".to_owned(),
        why: " without traffic routing".to_owned(),
        help: "set `trafficRouting`, or drop `scaleDownDelaySeconds`".to_owned(),
    })
}

fn dynamic_stable_scale(canary: &Canary) -> Option<Fault> {
    let (why, remedy) = match (&canary.traffic_routing, canary.scale_down_delay_seconds) {
        (None, _) => (" without traffic routing", "set `trafficRouting`"),
        (Some(_), Some(_)) => (" beside `scaleDownDelaySeconds`", "drop the delay"),
        (Some(_), None) => return None,
    };
    canary.dynamic_stable_scale.then(|| Fault {
        path: option("dynamicStableScale"),
        subject: "dynamicStableScale".to_owned(),
        what: "scales the stable pods".to_owned(),
        why: why.to_owned(),
        help: format!("{remedy}, or drop `dynamicStableScale`"),
    })
}

fn max_traffic_weight(canary: &Canary) -> Option<Fault> {
    let routing = canary.traffic_routing.as_ref()?;
    let most = routing.max_traffic_weight?;
    (!routing.nginx && !routing.plugins).then(|| Fault {
        path: option("trafficRouting").field("maxTrafficWeight"),
        subject: "maxTrafficWeight".to_owned(),
        what: format!("counts weights to {most}"),
        why: " with a router that is neither Nginx nor a plugin".to_owned(),
        help: "drop `maxTrafficWeight`: this router counts to 100".to_owned(),
    })
}

fn option(field: &'static str) -> Path {
    Path::spec(["strategy", "canary", field])
}

/// Whether the controller reads 0 here; an absent value is 25 to it.
fn is_zero(value: Option<&IntOrString>) -> bool {
    match value {
        None => false,
        Some(IntOrString::Int(number)) => *number == 0,
        Some(IntOrString::String(text)) => {
            let percent = text.strip_suffix('%');
            let percent = percent.filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
            reads_as_zero(percent.unwrap_or(text))
        }
    }
}

/// Go's `Atoi`: 0 for what is no number, the largest for what is too large.
fn reads_as_zero(text: &str) -> bool {
    match text.parse::<i64>() {
        Ok(number) => number == 0,
        Err(error) => !matches!(
            error.kind(),
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_zero_as_the_controller_does() {
        let zero = |text: &str| is_zero(Some(&IntOrString::String(text.to_owned())));
        for text in [
            "0", "0%", "00%", "-0", "", "%", "x", "1.5%", "25 %", "-5%", "+5%",
        ] {
            assert!(zero(text), "{text}");
        }
        for text in [
            "1",
            "25",
            "25%",
            "-1",
            "+1",
            "99999999999999999999",
            "99999999999999999999%",
        ] {
            assert!(!zero(text), "{text}");
        }
    }
}
