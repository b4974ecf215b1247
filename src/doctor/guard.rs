//! The installed guard: which writes reach it, its pods, its profile, and who may call it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deployment::{flag, version};
use super::fact::{Fact, Level};
use super::inventory::{Guard, Inventory};
use super::reader::{Reader, list, text};
use crate::model::{ENFORCE, Kind};
use crate::mutations::MUTATIONS;
use crate::settings::Profile;
use crate::text::first_of;

const TOPIC: &str = "webhook";
const CALLERS: &str = "callers";
const MAX_NAMES: usize = 5;

pub(super) async fn facts(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    if let Err(error) = &inventory.webhooks {
        return vec![Fact::unread(TOPIC, "webhook configurations", error)];
    }
    if inventory.our_webhooks().next().is_none() {
        let fact = "no webhook configuration calls rollout-guard";
        let fact = Fact::new(Level::Error, TOPIC, fact, "no write is judged or changed");
        return vec![fact.advise("install the chart (docs/install.md)")];
    }
    let mut facts = vec![
        coverage(inventory),
        profile(inventory),
        failure_policy(inventory),
    ];
    if let Some(guard) = &inventory.guard {
        facts.push(endpoints(reader, guard).await);
    }
    facts.extend(namespaces(reader, inventory).await);
    match inventory.deployment() {
        Some(deployment) => {
            facts.push(callers(deployment));
            facts.extend(version_fact(deployment));
        }
        None => facts.push(no_deployment()),
    }
    facts
}

fn no_deployment() -> Fact {
    let fact = "the Deployment that the webhooks call was not found";
    let meaning = "its settings, serving certificate and callers are not known";
    Fact::new(Level::Unknown, TOPIC, fact, meaning)
        .advise("run `doctor` as a user who may read the guard's Service and Deployments")
}

/// Whether the rules of the webhooks include every write that is judged or changed.
fn coverage(inventory: &Inventory) -> Fact {
    let mut missing = Vec::new();
    let mut require = |kind: Kind, mutating: bool, operations: &[&str]| {
        for operation in operations {
            let mut ours = inventory.our_webhooks();
            let found = ours.any(|one| one.mutating == mutating && one.reviews(kind, operation));
            if !found {
                let verb = if mutating { "mutating" } else { "validating" };
                missing.push(format!("{operation} of {kind} ({verb})"));
            }
        }
    };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_guarded()) {
        require(kind, false, &["CREATE", "UPDATE", "DELETE"]);
        if MUTATIONS
            .iter()
            .any(|mutation| mutation.kinds.contains(&kind))
        {
            require(kind, true, &["CREATE", "UPDATE"]);
        }
    }
    if missing.is_empty() {
        let fact = "the webhook configurations include every write that is judged or changed";
        return Fact::new(Level::Ok, TOPIC, fact, "no kind is left out");
    }
    let fact = format!("no webhook includes {}", first_of(&missing, MAX_NAMES));
    Fact::new(Level::Error, TOPIC, fact, "these writes are stored unseen")
        .advise("upgrade the release of the chart")
}

fn profile(inventory: &Inventory) -> Fact {
    let profile = inventory.settings.profile;
    let fact = format!("the profile is `{}`", profile.as_str());
    match profile {
        Profile::Observe => Fact::new(Level::Note, TOPIC, fact, "nothing is denied or changed")
            .advise("set `profile: guard` when the warnings and metrics show nothing unexpected"),
        Profile::Guard => Fact::new(
            Level::Ok,
            TOPIC,
            fact,
            "what a write newly breaks is denied",
        ),
        Profile::Strict => Fact::new(Level::Ok, TOPIC, fact, "every error is denied, old or new"),
    }
}

fn failure_policy(inventory: &Inventory) -> Fact {
    let policy = |mutating: bool| {
        let mut ours = inventory
            .our_webhooks()
            .filter(|one| one.mutating == mutating);
        let fails = ours.any(|one| text(&one.value, "/failurePolicy") != "Ignore");
        if fails { "Fail" } else { "Ignore" }
    };
    let (mutating, validating) = (policy(true), policy(false));
    let fact = format!("failurePolicy is {mutating} (mutating) and {validating} (validating)");
    let meaning = match (mutating, validating) {
        ("Ignore", "Ignore") => "while no pod answers, writes are stored unjudged and unchanged",
        ("Ignore", _) => "while no pod answers, writes are rejected",
        _ => "while no pod answers, writes are rejected, also those that need no change",
    };
    Fact::new(Level::Note, TOPIC, fact, meaning)
}

async fn endpoints(reader: &Reader, guard: &Guard) -> Fact {
    let Guard {
        namespace, service, ..
    } = guard;
    let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    let mut ready = 0;
    let read = reader
        .each(&path, |slice| {
            let of = slice.pointer("/metadata/labels/kubernetes.io~1service-name");
            if of.and_then(Value::as_str) == Some(service) {
                let endpoints = list(slice, "/endpoints").iter();
                let is_ready =
                    |one: &&Value| one.pointer("/conditions/ready") != Some(&false.into());
                ready += endpoints.filter(is_ready).count();
            }
        })
        .await;
    match (read, ready) {
        (Err(error), _) => Fact::unread(TOPIC, "EndpointSlices", &error),
        (_, 0) => {
            let fact = format!("Service {namespace}/{service} has no ready endpoint");
            Fact::new(
                Level::Error,
                TOPIC,
                fact,
                "the API server reaches no pod of rollout-guard",
            )
            .advise(format!(
                "see `kubectl -n {namespace} get pods` and their logs"
            ))
        }
        (_, 1) => {
            let fact = format!("Service {namespace}/{service} has one ready endpoint");
            Fact::new(
                Level::Note,
                TOPIC,
                fact,
                "while this pod restarts, nobody answers",
            )
            .advise("set `replicas: 3`")
        }
        (_, ready) => {
            let fact = format!("Service {namespace}/{service} has {ready} ready endpoints");
            Fact::new(Level::Ok, TOPIC, fact, "one pod may fail")
        }
    }
}

/// The namespaces with Rollouts that the webhooks or a label leave out.
async fn namespaces(reader: &Reader, inventory: &Inventory) -> Vec<Fact> {
    if let Err(error) = &inventory.namespaces {
        return vec![Fact::unread(TOPIC, "Namespaces", error)];
    }
    let mut rollouts: BTreeMap<String, usize> = BTreeMap::new();
    let count = |rollout: &Value| {
        let namespace = text(rollout, "/metadata/namespace").to_owned();
        *rollouts.entry(namespace).or_default() += 1;
    };
    let read = reader
        .each("/apis/argoproj.io/v1alpha1/rollouts", count)
        .await;
    if let Err(error) = read {
        return vec![Fact::unread(TOPIC, "Rollouts", &error)];
    }
    let names = rollouts.keys().cloned();
    let (guarded, unguarded): (Vec<_>, Vec<_>) = names.partition(|name| inventory.is_guarded(name));
    let observed = guarded.into_iter();
    let observed = observed.filter(|name| inventory.enforce(name) == Some("observe"));
    let facts = [
        unguarded_fact(&unguarded),
        observed_fact(&observed.collect::<Vec<_>>()),
    ];
    let facts: Vec<Fact> = facts.into_iter().flatten().collect();
    if facts.is_empty() {
        let total: usize = rollouts.values().sum();
        let fact = format!(
            "{total} Rollouts in {} namespaces are guarded",
            rollouts.len()
        );
        let meaning = "no namespace with Rollouts is left out";
        return vec![Fact::new(Level::Ok, TOPIC, fact, meaning)];
    }
    facts
}

fn unguarded_fact(namespaces: &[String]) -> Option<Fact> {
    let names = first_of(namespaces, MAX_NAMES);
    let fact = format!("namespaces with Rollouts are not guarded: {names}");
    let fact = Fact::new(
        Level::Warning,
        TOPIC,
        fact,
        "writes there are stored unseen",
    );
    let advice = format!("remove the label `{ENFORCE}: off`, or widen `webhook.namespaceSelector`");
    (!namespaces.is_empty()).then(|| fact.advise(advice))
}

fn observed_fact(namespaces: &[String]) -> Option<Fact> {
    let names = first_of(namespaces, MAX_NAMES);
    let fact = format!("namespaces with Rollouts are only observed: {names}");
    let fact = Fact::new(
        Level::Note,
        TOPIC,
        fact,
        "nothing is denied or changed there",
    );
    let advice = format!("remove the label `{ENFORCE}: observe` when you are ready");
    (!namespaces.is_empty()).then(|| fact.advise(advice))
}

fn callers(deployment: &Value) -> Fact {
    if flag(deployment, "--client-ca").is_some() {
        let fact = match flag(deployment, "--client-cn") {
            Some(name) => format!("callers need a client certificate for `{name}`"),
            None => "callers need a client certificate".to_owned(),
        };
        return Fact::new(
            Level::Ok,
            CALLERS,
            fact,
            "nobody but the API server is answered",
        );
    }
    let fact = "callers need no client certificate";
    let meaning =
        "everybody who reaches the port can ask what would be denied, and learn names of objects";
    Fact::new(Level::Note, CALLERS, fact, meaning)
        .advise("set `tls.clientCA`, or `networkPolicy.webhookFrom` to the addresses of the API server (docs/install.md)")
}

/// Whether the guard in the cluster has the version of this binary.
fn version_fact(deployment: &Value) -> Option<Fact> {
    let (installed, own) = (version(deployment), env!("CARGO_PKG_VERSION"));
    let installed = installed.strip_prefix('v').unwrap_or(installed);
    let is_version = installed.starts_with(|c: char| c.is_ascii_digit());
    (is_version && installed != own).then(|| {
        let fact = format!("rollout-guard {installed} is installed; this is {own}");
        let meaning = "the two may judge differently";
        Fact::new(Level::Note, TOPIC, fact, meaning).advise("use one version")
    })
}
