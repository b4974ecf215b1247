//! Whether the API server reaches the webhook: an invalid Rollout is sent as a dry run, which stores nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::Reader;
use crate::self_test::{Error, Expected, Options, RULE, probe};
use crate::settings::{Profile, RuleAction};

const TOPIC: &str = "reachable";

/// Asks in this namespace, or without one in a guarded namespace.
pub(super) async fn fact(
    reader: &Reader,
    inventory: &Inventory,
    namespace: Option<&str>,
) -> Option<Fact> {
    inventory.our_webhooks().next()?;
    let Some(namespace) = guarded(inventory, namespace) else {
        let fact = "no namespace that is guarded is known";
        let meaning = "whether the API server reaches the webhook was not tried";
        let fact = Fact::new(Level::Unknown, TOPIC, fact, meaning);
        return Some(fact.advise("pass `--namespace` with a guarded namespace"));
    };
    let Some(expect) = expected(inventory, &namespace) else {
        let fact = format!("rule {RULE} is off");
        let meaning = "the dry run that it would deny was not tried";
        let fact = Fact::new(Level::Unknown, TOPIC, fact, meaning);
        return Some(fact.advise("write an invalid Rollout that another rule denies"));
    };
    let options = Options {
        namespace,
        expect,
        within: Duration::ZERO,
        kubeconfig: None,
    };
    Some(match probe(&reader.client, &options).await {
        Ok(_) => answered(&options),
        Err(error) => failed(&error, &options.namespace),
    })
}

fn guarded(inventory: &Inventory, namespace: Option<&str>) -> Option<String> {
    let known = inventory.namespaces.iter().flat_map(BTreeMap::keys);
    let known = known.map(String::as_str);
    let mut candidates: Vec<&str> = ["default"].into_iter().chain(known).collect();
    if let Some(namespace) = namespace {
        candidates = vec![namespace];
    }
    let mut candidates = candidates.into_iter();
    let found = candidates.find(|name| inventory.is_guarded(name));
    found.map(str::to_owned)
}

/// `None` if the guard says nothing of the Rollout.
fn expected(inventory: &Inventory, namespace: &str) -> Option<Expected> {
    let observes = inventory.profile(namespace) == Profile::Observe;
    match inventory.settings.actions.get(RULE) {
        Some(RuleAction::Off) => None,
        Some(RuleAction::Warn) => Some(Expected::Warning),
        _ if observes => Some(Expected::Warning),
        _ => Some(Expected::Denial),
    }
}

fn answered(options: &Options) -> Fact {
    let did = match options.expect {
        Expected::Denial => "denied",
        Expected::Warning => "warned of",
    };
    let fact = format!(
        "rollout-guard {did} an invalid Rollout in namespace {}, sent as a dry run",
        options.namespace
    );
    Fact::new(
        Level::Ok,
        TOPIC,
        fact,
        "the API server reaches the webhook and trusts it",
    )
}

fn failed(error: &Error, namespace: &str) -> Fact {
    let (level, advice) = match error {
        Error::Accepted { .. } | Error::NoAnswer(_) => (
            Level::Error,
            "see the facts `webhook`, `certificates` and `calls`",
        ),
        Error::OnlyWarned { .. } | Error::Refused { .. } => (Level::Warning, "read the answer"),
        _ => (
            Level::Unknown,
            "run `doctor` as a user who may create Rollouts there, or pass another `--namespace`",
        ),
    };
    let fact = format!(
        "the dry run of an invalid Rollout in namespace {namespace} was not answered as expected"
    );
    Fact::new(level, TOPIC, fact, error.to_string()).advise(advice)
}
