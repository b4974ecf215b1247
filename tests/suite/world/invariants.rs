//! What holds after every write of a person.

use rollout_guard::managed_fields;
use rollout_guard::model::{HASH_LABEL, Key, Kind};
use serde_json::Value;

use super::action::by_kind;
use super::cluster::{CONTROLLER, Pods, Sim};
use super::people::{Admitted, How, Outcome};
use super::setup::{Content, Files, NAMESPACE, Setup, files};

/// An invariant that does not hold, and how.
#[derive(Clone, Debug)]
pub struct Breach {
    pub invariant: &'static str,
    pub how: String,
}

/// The invariants of one write.
pub struct Checks;

impl Checks {
    /// Does the write and compares the world with and without it.
    pub fn around(
        sim: &mut Sim,
        write: impl FnOnce(&mut Sim) -> Outcome,
    ) -> Result<Outcome, Breach> {
        let before = sim.clone();
        let outcome = write(sim);
        if let Outcome::Admitted(admitted) = &outcome {
            values_are_kept(&before, admitted)?;
            canary_gets_nothing(&before, admitted)?;
            destinations_answer(&before, sim, admitted)?;
        }
        Ok(outcome)
    }

    /// A Rollout of another namespace that cannot act changes no answer.
    pub fn stranger(sim: &Sim, file: &Value, how: How) -> Result<(), Breach> {
        let service = sim.rollout().and_then(|rollout| {
            rollout.pointer("/spec/strategy/canary/trafficRouting/istio/virtualService/name")
        });
        let is_rollout = file["kind"] == "Rollout";
        if !is_rollout && service.is_none_or(|service| service != "app") {
            // docs/decisions/world.md
            return Ok(());
        }
        match sim.depends_on_stranger(file, how) {
            Some(how) => breach("no stranger changes what is stored", how),
            None => Ok(()),
        }
    }
}

fn breach(invariant: &'static str, how: impl Into<String>) -> Result<(), Breach> {
    let how = how.into();
    Err(Breach { invariant, how })
}

fn destinations_answer(before: &Sim, after: &Sim, admitted: &Admitted) -> Result<(), Breach> {
    const INVARIANT: &str = "managed destinations answer";
    // Of an idle flow a DELETE is what its author wants; it gets a warning (RG701).
    let wanted = admitted.stored.is_null() && !before.in_progress();
    // What does not answer before the write, or is no flow yet, the write does not break.
    let broken = !before.serves() || !before.dead(false).is_empty();
    let warned = |code: &str| {
        admitted
            .warned
            .iter()
            .any(|warned| warned.starts_with(code))
    };
    let told = match admitted.key.kind {
        // The Service that a subset only resolves to: the contract has a warning.
        Kind::Service => before.by_subset() && warned("RG402"),
        // What the other objects have wrong already.
        Kind::Rollout => ["RG302", "RG303", "RG501"].into_iter().any(warned),
        _ => false,
    };
    if admitted.missing || wanted || broken || told {
        return Ok(());
    }
    let (mut before, mut after) = (before.clone(), after.clone());
    let existed = !admitted.live.is_null();
    for stage in [
        "at once",
        "after a reconcile",
        "when pods are ready",
        "later",
    ] {
        for needs_ready in [false, true] {
            if needs_ready && !(existed && stage == "at once") {
                continue;
            }
            let known = before.dead(needs_ready);
            let dead = after.dead(needs_ready);
            if let Some(dead) = dead.iter().find(|one| !known.contains(one)) {
                return breach(
                    INVARIANT,
                    format!(
                        "{stage}: {dead}, by {} ({:?})",
                        admitted.key, admitted.warned
                    ),
                );
            }
        }
        for sim in [&mut before, &mut after] {
            if stage == "after a reconcile" {
                sim.pods_become(Pods::Current, true);
                sim.pods_become(Pods::Stable, true);
            }
            sim.reconcile();
        }
    }
    Ok(())
}

/// No write changes the weights, hashes and inserted routes that the controller wrote last.
fn values_are_kept(before: &Sim, admitted: &Admitted) -> Result<(), Breach> {
    const INVARIANT: &str = "the controller's values stay";
    let Some(rollout) = before.rollout() else {
        return Ok(());
    };
    let (live, stored) = (&admitted.live, &admitted.stored);
    let istio = &rollout["spec"]["strategy"]["canary"]["trafficRouting"]["istio"];
    let named = istio["virtualService"]["name"].as_str().unwrap_or_default();
    let named = Key::new(Kind::VirtualService, NAMESPACE, named);
    // While the VirtualService that a release names does not exist, the one before has its weights.
    let lost = before.in_progress() && !before.world.objects.contains_key(&named);
    let managed = admitted.key.kind != Kind::VirtualService || named == admitted.key || lost;
    let stopped = rollout["status"]["stableRS"]
        .as_str()
        .unwrap_or_default()
        .is_empty();
    if !managed || stopped || live.is_null() || stored.is_null() {
        return Ok(());
    }
    let (list, path) = match admitted.key.kind {
        Kind::VirtualService => ("/spec/http", ["spec", "http"]),
        Kind::DestinationRule => ("/spec/subsets", ["spec", "subsets"]),
        Kind::Service => ("/spec/selector", ["spec", "selector"]),
        _ => return Ok(()),
    };
    if managed_fields::owners(live, &path).all(|owner| owner != CONTROLLER) {
        return Ok(());
    }
    let (live, stored) = (live.pointer(list), stored.pointer(list));
    let (Some(live), Some(stored)) = (live, stored) else {
        return breach(INVARIANT, format!("{list} is gone"));
    };
    let kept = match admitted.key.kind {
        Kind::Service => live.get(HASH_LABEL) == stored.get(HASH_LABEL),
        Kind::DestinationRule => hashes(live).all(|hash| hashes(stored).any(|other| other == hash)),
        _ => {
            let [was, is] = [live, stored].map(|http| {
                if before.by_subset() {
                    weights(http)
                } else {
                    // To which subset a destination sends is its author's affair.
                    by_host(weights(http))
                }
            });
            // A release that is promoted in full removes its routes (`reconcileTrafficRouting`).
            let promoted = rollout["status"]["promoteFull"] == true;
            // Of a VirtualService that a release has left, only pairs are kept.
            let dropped = lost && is.len() < was.len();
            dropped || was == is && (promoted || inserted(live) == inserted(stored))
        }
    };
    if kept {
        return Ok(());
    }
    breach(
        INVARIANT,
        format!("{}: {live} became {stored}", admitted.key),
    )
}

fn hashes(subsets: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let subsets = subsets.as_array().into_iter().flatten();
    subsets.filter_map(|subset| Some((&subset["name"], subset["labels"].get(HASH_LABEL)?)))
}

/// Of the managed route, whatever its name, in the order of their destinations.
fn weights(http: &Value) -> Vec<(Value, i64)> {
    let mut routes = http.as_array().into_iter().flatten();
    let route = routes.find(|route| {
        ["primary", "first"]
            .iter()
            .any(|name| route["name"] == *name)
    });
    let split = route.and_then(|route| route["route"].as_array());
    let weight = |one: &Value| {
        let weight = one["weight"].as_i64().unwrap_or_default();
        (one["destination"].clone(), weight)
    };
    let mut weights: Vec<_> = split.into_iter().flatten().map(weight).collect();
    weights.sort_by_key(|(destination, _)| destination.to_string());
    weights
}

fn by_host(weights: Vec<(Value, i64)>) -> Vec<(Value, i64)> {
    let weights = weights.into_iter();
    weights
        .map(|(destination, weight)| (destination["host"].clone(), weight))
        .collect()
}

fn inserted(http: &Value) -> Option<&Value> {
    let mut routes = http.as_array().into_iter().flatten();
    routes.find(|route| route["name"] == "testers")
}

/// The canary of a managed route gets no more than it has, or than was sent.
fn canary_gets_nothing(before: &Sim, admitted: &Admitted) -> Result<(), Breach> {
    let canary = |object: &Value| {
        let weights = weights(object.pointer("/spec/http")?);
        let mut weights = weights.into_iter();
        let canary = weights.find(|(destination, _)| before.is_canary(destination));
        canary.map(|(_, weight)| weight)
    };
    // What is created gets the weight that the controller wrote last.
    let status = before.rollout().filter(|_| admitted.live.is_null());
    let status = status.and_then(|it| it.pointer("/status/canary/weights/canary/weight"));
    let status = status.and_then(Value::as_i64);
    let most = canary(&admitted.live).max(canary(&admitted.sent));
    let most = most.map(|most| most.max(status.unwrap_or_default()));
    match (canary(&admitted.stored), most) {
        (Some(stored), Some(most)) if stored > most => breach(
            "the guard gives a canary nothing",
            format!("{stored} where {most} was: {}", admitted.stored),
        ),
        _ => Ok(()),
    }
}

/// From here the plain files arrive within two commits, those of the first release too.
pub fn nobody_is_locked_out(sim: &Sim, setup: Setup) -> Result<(), Breach> {
    for image in [1, 9] {
        let content = Content::Plain;
        let written = files(setup, Files { image, content });
        let mut why = Vec::new();
        let ways = [
            (written.clone(), How::Apply),
            (by_kind(written.clone()), How::Apply),
            (written.clone(), How::Replace),
            (by_kind(written), How::Replace),
        ];
        for (order, how) in ways {
            match arrive(sim.clone(), &order, how) {
                Ok(()) => {
                    why.clear();
                    break;
                }
                Err(denied) => why.push(denied),
            }
        }
        if !why.is_empty() {
            return breach("nobody is locked out", why.join("; "));
        }
    }
    Ok(())
}

/// Applies the files twice, with the controller at work between.
fn arrive(mut sim: Sim, files: &[Value], how: How) -> Result<(), String> {
    let mut denied = Vec::new();
    for _ in 0..2 {
        denied.clear();
        for file in files {
            if let Outcome::Denied(why) = sim.write(file, how, false) {
                denied.push(why);
            }
        }
        for _ in 0..4 {
            sim.reconcile();
            sim.pods_become(Pods::Current, true);
            sim.pods_become(Pods::Stable, true);
        }
    }
    let dead = sim.dead(true);
    match (denied.first(), dead.first()) {
        (None, None) => Ok(()),
        (Some(why), _) => Err(why.clone()),
        (None, Some(dead)) => Err(format!("{dead} does not answer")),
    }
}
