//! Webhooks and policies of others that change or judge the objects that rollout-guard guards.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fact::{Fact, Level};
use super::inventory::Inventory;
use super::reader::{Reader, full_name, text};
use super::webhook::Webhook;
use crate::model::Kind;
use crate::text::first_of;

const TOPIC: &str = "other-webhooks";
const MAX_NAMES: usize = 5;

pub(super) async fn facts(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    let Ok(webhooks) = &inventory.webhooks else {
        return Vec::new();
    };
    let others = webhooks.iter().filter(|webhook| !webhook.is_ours());
    let (mutating, validating): (Vec<_>, Vec<_>) = others.partition(|webhook| webhook.mutating);
    let mut changing: Vec<String> = mutating.into_iter().filter_map(shown).collect();
    changing.extend(policies(reader, inventory).await);
    let judging: Vec<String> = validating.into_iter().filter_map(shown).collect();
    let mut facts = vec![changed(&changing, inventory)];
    if !judging.is_empty() {
        let fact = format!(
            "others judge the same objects: {}",
            first_of(&judging, MAX_NAMES)
        );
        let meaning = "a write is stored only if all allow it; each denial names its own webhook";
        facts.push(Fact::new(Level::Note, TOPIC, fact, meaning));
    }
    facts
}

/// The webhook and the guarded kinds that it reviews; `None` if it reviews none.
fn shown(webhook: &Webhook) -> Option<String> {
    let reviewed = |kind: &Kind| {
        kind.is_guarded()
            && ["CREATE", "UPDATE"]
                .iter()
                .any(|one| webhook.reviews(*kind, one))
    };
    let kinds: Vec<&str> = Kind::ALL
        .into_iter()
        .filter(reviewed)
        .map(Kind::name)
        .collect();
    let (name, configuration) = (webhook.name(), &webhook.configuration);
    (!kinds.is_empty()).then(|| format!("{name} of {configuration} ({})", kinds.join(", ")))
}

/// MutatingAdmissionPolicies, where they are served. Their rules have the form of a webhook's.
async fn policies(reader: &Reader, inventory: &Inventory) -> Vec<String> {
    let mut found = BTreeSet::new();
    for version in inventory.versions("admissionregistration.k8s.io") {
        let path =
            format!("/apis/admissionregistration.k8s.io/{version}/mutatingadmissionpolicies");
        let each = |policy: &Value| {
            let rules = policy.pointer("/spec/matchConstraints/resourceRules");
            let webhook = Webhook {
                configuration: "MutatingAdmissionPolicy".to_owned(),
                mutating: true,
                value: serde_json::json!({"name": full_name(policy), "rules": rules}),
            };
            found.extend(shown(&webhook));
        };
        // A version without the kind, or a user who may not list it, adds nothing.
        let _ = reader.each(&path, each).await;
    }
    found.into_iter().collect()
}

fn changed(changing: &[String], inventory: &Inventory) -> Fact {
    if changing.is_empty() {
        let fact = "no other mutating webhook changes the guarded kinds";
        let meaning = "what rollout-guard keeps is what is stored";
        return Fact::new(Level::Ok, TOPIC, fact, meaning);
    }
    let fact = format!(
        "others change the same objects: {}",
        first_of(changing, MAX_NAMES)
    );
    let mut ours = inventory.our_webhooks().filter(|webhook| webhook.mutating);
    if ours.all(|webhook| text(&webhook.value, "/reinvocationPolicy") == "IfNeeded") {
        let meaning = "if one changes an object after rollout-guard, rollout-guard is called again, and judges the result";
        return Fact::new(Level::Note, TOPIC, fact, meaning);
    }
    let meaning = "what one changes after rollout-guard is stored without its mutations";
    Fact::new(Level::Warning, TOPIC, fact, meaning)
        .advise("set `reinvocationPolicy: IfNeeded` on rollout-guard's mutating webhooks")
}
