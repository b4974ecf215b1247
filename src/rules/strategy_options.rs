//! The strategy is missing or ambiguous, or its options conflict.
//!
//! ## What
//! The rule reports:
//!
//! - both or neither of `canary` and `blueGreen`;
//! - a canary whose `maxSurge` and `maxUnavailable` are both 0 (text that is neither a number nor a percentage counts
//!   as 0);
//! - a canary with `scaleDownDelaySeconds` or `dynamicStableScale` without traffic routing, or with both;
//! - `maxTrafficWeight` with neither Nginx nor plugins.
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
//! Keep one strategy, let at least one pod be replaced at a time, and drop the option that the router does not
//! support.

use std::num::IntErrorKind;

use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{Canary, IntOrString};
use crate::verdict::{Cause, Findings, message};

rule!(RG108, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    check_choice(flow, found);
    if let Some(canary) = flow.canary() {
        check_surge(flow, canary, found);
        check_scale_down_delay(flow, canary, found);
        check_dynamic_stable_scale(flow, canary, found);
        check_max_traffic_weight(flow, canary, found);
    }
}

fn check_choice(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let (fault, cause) = match (flow.canary(), &flow.rollout.blue_green) {
        (None, None) => ("has neither `canary` nor `blueGreen`", Cause::Required),
        (Some(_), Some(_)) => ("has both `canary` and `blueGreen`", Cause::Invalid),
        _ => return,
    };
    let path = Path::spec(["strategy"]);
    let message = message!("{} {fault}", flow.key()).in_field(&path);
    found
        .error(flow.key(), path, message)
        .subject("strategy")
        .help("set exactly one of `canary` and `blueGreen`")
        .cause(cause);
}

/// Without one pod more or fewer than `replicas`, no pod can be replaced.
fn check_surge(flow: &Flow<'_>, canary: &Canary, found: &mut Findings<'_>) {
    if is_zero(canary.max_surge.as_ref()) && is_zero(canary.max_unavailable.as_ref()) {
        let path = option("maxSurge");
        let key = flow.key();
        let text = "lets no pod be replaced: `maxUnavailable` is 0, and so is `maxSurge`";
        found
            .error(key, path.clone(), message!("{key} {text}").in_field(&path))
            .subject("maxSurge")
            .help("give one of the two at least 1 or `1%`");
    }
}

fn check_scale_down_delay(flow: &Flow<'_>, canary: &Canary, found: &mut Findings<'_>) {
    if canary.scale_down_delay_seconds.is_some() && canary.traffic_routing.is_none() {
        let path = option("scaleDownDelaySeconds");
        let message = message!("{}: `{path}` is set without `trafficRouting`", flow.key());
        found
            .error(flow.key(), path, message)
            .subject("scaleDownDelaySeconds")
            .help("set `trafficRouting`, or drop `scaleDownDelaySeconds`");
    }
}

fn check_dynamic_stable_scale(flow: &Flow<'_>, canary: &Canary, found: &mut Findings<'_>) {
    let (conflict, remedy) = match (&canary.traffic_routing, canary.scale_down_delay_seconds) {
        (None, _) => ("without `trafficRouting`", "set `trafficRouting`"),
        (Some(_), Some(_)) => (
            "together with `scaleDownDelaySeconds`",
            "drop `scaleDownDelaySeconds`",
        ),
        (Some(_), None) => return,
    };
    if canary.dynamic_stable_scale {
        let path = option("dynamicStableScale");
        let message = message!("{}: `{path}` is set {conflict}", flow.key());
        found
            .error(flow.key(), path, message)
            .subject("dynamicStableScale")
            .help(format!("{remedy}, or drop `dynamicStableScale`"));
    }
}

fn check_max_traffic_weight(flow: &Flow<'_>, canary: &Canary, found: &mut Findings<'_>) {
    let Some(routing) = &canary.traffic_routing else {
        return;
    };
    if routing.max_traffic_weight.is_some() && !routing.nginx && !routing.plugins {
        let path = option("trafficRouting").field("maxTrafficWeight");
        let text = "is set with a router that is neither Nginx nor a plugin";
        let message = message!("{}: `{path}` {text}", flow.key());
        found
            .error(flow.key(), path, message)
            .subject("maxTrafficWeight")
            .help("drop `maxTrafficWeight`: the weights of this router sum to 100");
    }
}

fn option(field: &'static str) -> Path {
    Path::spec(["strategy", "canary", field])
}

/// Whether the controller reads 0. The default is 25%.
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

/// As Go's `Atoi`, which returns 0 for text that is not a number, and the largest number for one that is too large.
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
