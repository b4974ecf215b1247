//! A simulation of people, their tools, the controller and the guard on one small cluster. Every sequence comes from a
//! seed; a breach is told as the shortest sequence that still shows it.
//!
//! `WORLD_SEQUENCES=1000000 cargo test --release --test suite world` runs that many, from seed `WORLD_SEED`.

mod action;
mod cluster;
mod invariants;
mod people;
pub mod progress;
mod random;
mod setup;

use std::collections::BTreeSet;

use action::{Action, installed};
use invariants::{Breach, nobody_is_locked_out};
use random::Random;
use setup::{SETUPS, Setup};

/// In `cargo test`: some seconds.
const SEQUENCES: u64 = 150;
const MOST_BREACHES: usize = 25;
const LONGEST: usize = 14;

#[test]
fn no_sequence_breaks_an_invariant() {
    let sequences = number("WORLD_SEQUENCES").unwrap_or(SEQUENCES);
    let first = number("WORLD_SEED").unwrap_or_default();
    let mut breaches = Vec::new();
    for seed in first..first + sequences {
        let (setup, actions) = sequence(seed);
        if let Err(breach) = play(true, setup, &actions) {
            let (actions, breach) = shrink(setup, actions, breach);
            let Breach { invariant, how } = breach;
            breaches.push(format!(
                "{seed}: {invariant}: {how}\n  {setup:?} {actions:?}"
            ));
        }
        if breaches.len() == MOST_BREACHES {
            break;
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn without_the_guard_invariants_break() {
    let mut broken = BTreeSet::new();
    for seed in 0..SEQUENCES {
        let (setup, actions) = sequence(seed);
        broken.extend(
            play(false, setup, &actions)
                .err()
                .map(|breach| breach.invariant),
        );
    }
    let expected = [
        "managed destinations answer",
        "the controller's values stay",
    ];
    assert!(
        expected.iter().all(|one| broken.contains(one)),
        "{broken:?}"
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn sequence(seed: u64) -> (Setup, Vec<Action>) {
    let mut random = Random(seed);
    let setup = SETUPS[random.below(SETUPS.len())];
    let length = 1 + random.below(LONGEST);
    let actions = (0..length).map(|_| Action::random(&mut random));
    (setup, actions.collect())
}

fn play(guarded: bool, setup: Setup, actions: &[Action]) -> Result<(), Breach> {
    let mut sim = installed(setup);
    sim.guarded = guarded;
    for action in actions {
        action.run(&mut sim, setup)?;
    }
    nobody_is_locked_out(&sim, setup)
}

/// Leaves out actions as long as the same invariant breaks.
fn shrink(setup: Setup, mut actions: Vec<Action>, mut breach: Breach) -> (Vec<Action>, Breach) {
    let mut index = 0;
    while index < actions.len() {
        let mut fewer = actions.clone();
        fewer.remove(index);
        match play(true, setup, &fewer) {
            Err(other) if other.invariant == breach.invariant => {
                (actions, breach) = (fewer, other);
                index = 0;
            }
            _ => index += 1,
        }
    }
    (actions, breach)
}
