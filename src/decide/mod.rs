//! The heart: lay the write over the cluster, run the rules on what it touches before and after, and
//! decide by what is new. Pure; who asks and how the answer is written is elsewhere.

mod audit;
mod decision;
mod evidence;
mod exempt;
mod looked_at;
mod mutate;
mod write;

pub use audit::{Standing, audit};
pub use evidence::{Evidence, evidence};
pub use exempt::SYSTEM;
pub use looked_at::looked_at;
pub use mutate::{Mutated, mutate, mutate_by};

use std::collections::{HashMap, HashSet};

use crate::cluster::{Cluster, Overlay, View, touched};
use crate::model::{ALLOW, Change, Enforce, Key, Operation};
use crate::mutations;
use crate::request::Request;
use crate::rules;
use crate::settings::{Profile, Settings};
use crate::verdict::{Action, Finding, Judged, RuleId, Severity, Verdict};

use decision::Decision;
use exempt::exempt;
use write::Write;

/// The engine's answer to one write.
pub fn admit(request: &Request, cluster: &Cluster, settings: &Settings) -> Verdict {
    admit_in(View::of(cluster), request, settings)
}

fn admit_in(view: View<'_>, request: &Request, settings: &Settings) -> Verdict {
    if let Some(reason) = exempt(request, &view, settings) {
        return Verdict::exempt(reason);
    }
    let Some(write) = Write::of(request) else {
        return Verdict::default();
    };
    let profile = namespace_profile(&view, &request.namespace, settings);
    judge(&write.change(), view, settings, profile)
}

fn judge(change: &Change<'_>, view: View<'_>, settings: &Settings, profile: Profile) -> Verdict {
    // The write's own old object is surer than what the cluster remembers of it.
    let was = Overlay::new(change.key, change.old, view.mesh());
    let before = view.with(&was);
    let findings = if change.operation == Operation::Delete {
        rules::judge_write(change, &before)
            .into_iter()
            .map(|finding| (finding, true))
            .collect()
    } else {
        let will = Overlay::new(change.key, change.new, view.mesh());
        compare(change, &before, &view.with_before(&will, &was))
    };
    let decision = Decision {
        change,
        settings,
        profile,
    };
    let judged = findings
        .into_iter()
        .filter_map(|(finding, new)| decision.decide(finding, new));
    let mut judged: Vec<Judged> = judged.collect();
    judged.sort_by_key(|judged| judged.action != Action::Deny);
    Verdict {
        judged,
        notes: notes(change, decision.allowed()),
        ..Verdict::default()
    }
}

/// The findings after the write, each with whether the write brought it.
fn compare(change: &Change<'_>, before: &View<'_>, after: &View<'_>) -> Vec<(Finding, bool)> {
    let mut keys = touched(before, change.key);
    keys.extend(touched(after, change.key));
    let all = |view| keys.iter().flat_map(move |key| rules::judge(view, key));
    let mut old: HashMap<(RuleId, Key, String), Severity> = HashMap::new();
    for finding in all(before) {
        let worst = old.entry(finding.identity()).or_insert(finding.severity);
        *worst = finding.severity.min(*worst);
    }
    let is_new = |finding: &Finding| {
        let before = old.get(&finding.identity());
        before.is_none_or(|before| *before > finding.severity)
    };
    let stands = once(all(after).collect(), change.key);
    let stands = stands
        .into_iter()
        .map(|finding| (is_new(&finding), finding));
    let stands = stands.map(|(new, finding)| (finding, new));
    let writes = rules::judge_write(change, before).into_iter();
    let mut findings: Vec<(Finding, bool)> = stands
        .chain(writes.map(|finding| (finding, true)))
        .collect();
    findings.sort_by_key(|(finding, _)| finding.rule);
    findings
}

/// Of a fault that several objects share, what the written one says of it is enough.
fn once(mut findings: Vec<Finding>, written: &Key) -> Vec<Finding> {
    let own = findings
        .iter()
        .filter(|finding| finding.mutual && finding.object == *written);
    let own: HashSet<(RuleId, String)> = own
        .map(|finding| (finding.rule, finding.subject.clone()))
        .collect();
    findings.retain(|finding| {
        let told = || own.contains(&(finding.rule, finding.subject.clone()));
        !finding.mutual || finding.object == *written || !told()
    });
    findings
}

/// The profile of a namespace: its label's, else the settings'.
fn namespace_profile(view: &View<'_>, namespace: &str, settings: &Settings) -> Profile {
    let namespace = view.namespace(namespace);
    match namespace.and_then(|namespace| namespace.meta.enforce) {
        Some(Enforce::Guard) => Profile::Guard,
        Some(Enforce::Strict) => Profile::Strict,
        Some(Enforce::Observe) => Profile::Observe,
        Some(Enforce::Off) | None => settings.profile,
    }
}

/// What the `allow` annotation does to this object: what is off is told lest it stay so, and a word that switches
/// nothing off lest somebody rely on it in an incident.
fn notes(change: &Change<'_>, words: &[String]) -> Vec<String> {
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| is_known(word));
    let mut notes = Vec::new();
    if !known.is_empty() && change.operation != Operation::Delete {
        let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        let known = known.join(", ");
        notes.push(format!(
            "annotation {ALLOW} lets {known} pass: remove it afterwards"
        ));
    }
    notes.extend(unknown.iter().map(|word| {
        format!("annotation {ALLOW} names `{word}`, which is no rule and no mutation")
    }));
    notes
}

fn is_known(word: &str) -> bool {
    word == "*" || rules::find(word).is_some() || mutations::find(word).is_some()
}
