//! Where a release stands: what the controller wants of it, by its status and its pods (`reconcileTrafficRouting`).

use rollout_guard::controller::Target;
use serde_json::Value;

/// Of the pods of the revision that is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    None,
    /// Some, but fewer than the step asks for.
    Some,
    All,
}

/// What the next reconcile is to bring about. The Rollout's status has both hashes.
pub fn target(rollout: &Value, ready: Ready) -> Target {
    let status = &rollout["status"];
    let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
    let none = Vec::new();
    let steps = rollout.pointer("/spec/strategy/canary/steps");
    let steps = steps.and_then(Value::as_array).unwrap_or(&none);
    let index = step_index(status);
    let target = Target {
        canary_hash: text("currentPodHash"),
        stable_hash: text("stableRS"),
        step: Some(index),
        ..Target::default()
    };
    if target.canary_hash == target.stable_hash {
        return Target {
            ended: true,
            ..target
        };
    }
    if status["abort"] == true {
        return Target {
            ended: true,
            aborted: true,
            ..target
        };
    }
    if ready == Ready::None {
        return Target {
            without_pods: true,
            ..target
        };
    }
    let weight = match ready {
        _ if status["promoteFull"] == true => status
            .pointer("/canary/weights/canary/weight")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        Ready::Some => set_weight(&steps[..index.min(steps.len())]),
        _ if index >= steps.len() => 100,
        _ => set_weight(&steps[..=index]),
    };
    let promoted = status["promoteFull"] == true;
    Target {
        weight,
        ended: promoted,
        ..target
    }
}

pub fn step_index(status: &Value) -> usize {
    let index = status["currentStepIndex"].as_u64().unwrap_or_default();
    usize::try_from(index).expect("an index")
}

/// The weight of the last setWeight step.
fn set_weight(steps: &[Value]) -> i64 {
    let mut weights = steps.iter().filter_map(|step| step["setWeight"].as_i64());
    weights.next_back().unwrap_or_default()
}
