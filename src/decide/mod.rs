//! The decision about one write: whether it is exempt, what the mutations make of it, what the rules say of
//! the cluster that it would produce, and which of that is new. Pure: who asks, and how the answer is
//! written, is elsewhere.

#![warn(missing_docs)]

mod allow;
mod audit;
mod compare;
mod confined;
mod confined_routes;
mod decision;
mod evidence;
mod exempt;
mod kinds;
mod mutate;
mod namesakes;
mod profile;
mod same_fields;
mod siblings;
mod table;
mod unlisted;

pub use audit::{AuditState, audit};
pub use decision::{Action, Decision, Judged, Spared, Undecided};
pub use evidence::Evidence;
pub use exempt::{Exempt, NameUse, SYSTEM};
pub use kinds::kinds_read;
pub use mutate::Mutated;

use serde_json::Value;

use crate::cluster::{Cluster, Facts, View};
use crate::model::{Object, Operation, Write};
use crate::mutations::{MUTATIONS, Mutation, Writer};
use crate::request::Request;
use crate::rules;
use crate::settings::Settings;

use allow::notes;
use compare::{Found, compare};
use exempt::{exempt, is_shared, name_use};
use mutate::mutate;
use namesakes::add_namesakes;
use profile::{namespace_profile, unknown_enforce, unknown_enforce_note};
use siblings::SiblingsOf;
use table::Table;

/// Decides about one write in the cluster as it stands before it.
pub fn decide(request: Request, cluster: &Cluster, settings: &Settings) -> Decision {
    decide_by(MUTATIONS, request, cluster, settings)
}

/// The same with these mutations alone.
pub fn decide_by(
    mutations: &[Mutation],
    request: Request,
    cluster: &Cluster,
    settings: &Settings,
) -> Decision {
    let facts = Facts::default();
    let view = View::of(cluster).noting(&facts).validating_by(rules::meets);
    let mut decision = decide_in(mutations, request, (view, &facts), settings);
    if decision.request.trace {
        decision.reads = facts.into_vec();
    }
    decision
}

/// `facts` is where the view notes what is read.
fn decide_in(
    mutations: &[Mutation],
    mut request: Request,
    (view, facts): (View<'_>, &Facts),
    settings: &Settings,
) -> Decision {
    let name_use = name_use(&request, &view, settings);
    let exempt = exempt(&request, &view, name_use, settings);
    let by_controller = exempt.is_some_and(|reason| is_shared(reason, &request, &view, settings));
    let unjudged = |request| Decision {
        exempt,
        name_use,
        ..Decision::of(request)
    };
    if exempt.is_some() && !by_controller {
        return unjudged(request);
    }
    let Some(mut write) = parse(&request) else {
        return unjudged(request);
    };
    let seen = (view, facts);
    let mutations = mutations_of(mutations, by_controller, settings);
    let mutation = request
        .phase
        .mutates()
        .then(|| mutate(&mutations, &mut request, &mut write, seen, settings));
    if by_controller {
        return Decision {
            mutation,
            ..unjudged(request)
        };
    }
    let mut decision = Decision {
        mutation,
        name_use,
        allow_needs_right: settings.allow_needs_right,
        ..Decision::of(request)
    };
    decision.notes = notes(&write, &decision);
    if decision.request.phase.validates() {
        let (judged, more) = judge(&write, &decision.request, seen, settings);
        decision.judged = judged;
        if more > 0 {
            let note = format!("{more} more objects refer to this one and are not judged");
            decision.notes.push(note);
        }
        let namespace = &decision.request.namespace;
        if let Some(value) = unknown_enforce(&view, namespace) {
            let note = unknown_enforce_note(namespace, &value, settings);
            decision.notes.push(note);
            decision.unknown_enforce = Some(value);
        }
    }
    decision.write = Some(write);
    decision
}

/// The mutations that run on the writes of the controller, or of everybody else.
fn mutations_of(mutations: &[Mutation], by_controller: bool, settings: &Settings) -> Vec<Mutation> {
    let writer = if by_controller {
        Writer::Controller
    } else {
        Writer::User
    };
    let on = |one: &&Mutation| one.writer == writer && !settings.mutations_off.contains(one.name);
    mutations.iter().filter(on).copied().collect()
}

/// The objects of a request; `None` for one without an object.
fn parse(request: &Request) -> Option<Write> {
    let kind = request.kind?;
    let parse = |value: &Value| {
        let present = !value.is_null();
        present.then(|| Object::parse_as(kind, value, &request.namespace))
    };
    let old = parse(&request.old_object);
    let new = parse(&request.object).filter(|_| request.operation != Operation::Delete);
    let key = new.as_ref().or(old.as_ref())?.key().clone();
    Some(Write {
        operation: request.operation,
        key,
        old,
        new,
    })
}

/// What becomes of each finding, denials first, then in the order of the rules; and how many objects are not judged.
fn judge(
    write: &Write,
    request: &Request,
    (view, facts): (View<'_>, &Facts),
    settings: &Settings,
) -> (Vec<Judged>, usize) {
    let table = Table {
        write,
        settings,
        siblings: SiblingsOf {
            write,
            object: &request.object,
            view,
            settings,
        },
        dry_run: request.dry_run,
        allow_counts: !settings.allow_needs_right || request.allow_right.counts(),
        profile: namespace_profile(&view, &request.namespace, settings),
    };
    let denies = |found: &Found| table.denies_for(found);
    let compared = compare(write, (view, facts), &denies, request.trace);
    let found = compared.found.into_iter();
    let mut judged: Vec<Judged> = found.filter_map(|found| table.judge(found)).collect();
    judged.sort_by_key(|judged| judged.action != Action::Deny);
    for judged in &mut judged {
        add_namesakes(&mut judged.finding, &view);
    }
    (judged, compared.unjudged)
}
