//! A steady load of writes with known correct answers: files applied again, good writes, bad writes; and the
//! results. Re-applies and bad writes are dry runs, which admission answers like real writes.

mod writes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::poll;
use crate::flow::{ControllerValues, FLOWS};
use crate::reapply;
use crate::world::World;

pub struct Load<'a> {
    world: &'a World<'a>,
    manifests: Vec<Value>,
    expected: RwLock<ControllerValues>,
    answers: Mutex<Vec<Answer>>,
    ended: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteKind {
    /// A file again: the values that it would wipe must be kept.
    Again,
    /// A write that must never be denied.
    Good,
    /// A write that must be denied.
    Bad,
}

#[derive(Clone, Debug)]
enum Outcome {
    Correct,
    /// Stored as sent, or it would be.
    Unguarded(String),
    /// A good write that rollout-guard denied.
    WronglyDenied(String),
    /// Not caused by rollout-guard: the API server or etcd did not answer, or there was nothing to write to.
    Failed(String),
}

#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    kind: WriteKind,
    outcome: Outcome,
}

/// The results while something was broken, and the time until all answers were correct again.
pub struct FaultReport {
    pub unguarded: usize,
    /// Webhook calls that the API server gave up.
    pub failed_open: Vec<String>,
    /// Bad writes that were denied.
    pub denied: usize,
}

impl FaultReport {
    /// Calls that were given up for another reason than a timeout, which happens on a busy machine.
    pub fn broken(&self) -> Vec<&str> {
        let lines = self.failed_open.iter().map(String::as_str);
        lines
            .filter(|line| !line.contains("context deadline exceeded"))
            .collect()
    }
}

impl<'a> Load<'a> {
    /// Runs a story under load on two flows during a canary.
    pub fn on<T>(world: &'a World<'a>, story: impl FnOnce(&Self) -> T) -> T {
        let mut manifests = reapply::manifests(world, FLOWS);
        let expected = ControllerValues::of(world, &manifests);
        manifests.retain(|manifest| expected.has(manifest));
        let load = Self {
            world,
            manifests,
            expected: RwLock::new(expected),
            answers: Mutex::default(),
            ended: AtomicBool::new(false),
        };
        std::thread::scope(|scope| {
            // Also when the story fails: the scope waits for its threads.
            let _end = End(&load.ended);
            scope.spawn(|| load.repeat(WriteKind::Again, |number| load.again(number)));
            scope.spawn(|| load.repeat(WriteKind::Bad, |number| load.bad(number)));
            for pair in ["a", "b"] {
                let load = &load;
                let mut step = 0;
                scope.spawn(move || {
                    load.repeat(WriteKind::Good, |_| {
                        let outcome = load.good(pair, step);
                        // A write without an answer is sent again, because the steps depend on each other.
                        step += usize::from(matches!(outcome, Outcome::Correct));
                        outcome
                    });
                });
            }
            load.until_correct(Instant::now(), TIMEOUT);
            story(&load)
        })
    }

    /// Breaks something and repairs it. Requires that all answers are correct again within the time, and that no
    /// good write was denied.
    pub fn during_fault(&self, what: &str, within: Duration, fault: impl FnOnce()) -> FaultReport {
        let before = self.failed_open().len();
        let from = Instant::now();
        fault();
        let repaired = Instant::now();
        let right = self.until_correct(repaired, within);
        let answers = self.answers();
        let since: Vec<&Answer> = answers.iter().filter(|answer| answer.at >= from).collect();
        let count = |is: fn(&Answer) -> bool| since.iter().filter(|answer| is(answer)).count();
        let wrong = since.iter().filter_map(|answer| match &answer.outcome {
            Outcome::WronglyDenied(why) => Some(why.as_str()),
            _ => None,
        });
        let wrong: Vec<&str> = wrong.collect();
        let unguarded = count(|answer| matches!(answer.outcome, Outcome::Unguarded(_)));
        let failed_open = self.failed_open().split_off(before);
        eprintln!(
            "e2e: {what}: {} writes: {} good ones denied, {unguarded} were stored without a review ({} of them bad ones, \
             {} calls failed open), {} not answered; repaired after {:.1} s, all answers correct {:.1} s later",
            since.len(),
            wrong.len(),
            count(|answer| answer.kind == WriteKind::Bad
                && matches!(answer.outcome, Outcome::Unguarded(_))),
            failed_open.len(),
            count(|answer| matches!(answer.outcome, Outcome::Failed(_))),
            (repaired - from).as_secs_f32(),
            right.as_secs_f32(),
        );
        assert!(wrong.is_empty(), "denied wrongly:\n{}", wrong.join("\n"));
        let denied = count(|answer| {
            answer.kind == WriteKind::Bad && matches!(answer.outcome, Outcome::Correct)
        });
        FaultReport {
            unguarded,
            failed_open,
            denied,
        }
    }

    /// The controller's current values are the expected ones from now on.
    pub fn learn(&self) {
        let expected = ControllerValues::of(self.world, &self.manifests);
        *self
            .expected
            .write()
            .unwrap_or_else(PoisonError::into_inner) = expected;
    }

    /// Waits until the load has had only correct answers for a while. Returns when, after `repaired`, the last other
    /// one was sent.
    fn until_correct(&self, repaired: Instant, within: Duration) -> Duration {
        poll(
            "only correct answers",
            within + MIN_CORRECT_TIME * 3,
            &mut || {
                let answers = self.answers();
                let last = |kind| {
                    let mut of = answers
                        .iter()
                        .rev()
                        .filter(|answer: &&Answer| answer.kind == kind);
                    of.find(|answer| !matches!(answer.outcome, Outcome::Correct))
                };
                let wrong = [WriteKind::Again, WriteKind::Good, WriteKind::Bad].map(last);
                let latest = wrong.iter().flatten().max_by_key(|answer| answer.at);
                let since = latest.map_or(repaired, |answer| answer.at.max(repaired));
                let right = |kind| {
                    let of = answers.iter().rev().take_while(|answer| answer.at > since);
                    of.filter(|answer| answer.kind == kind).count() >= MIN_CORRECT_ANSWERS
                };
                let all =
                    right(WriteKind::Again) && right(WriteKind::Good) && right(WriteKind::Bad);
                if all && since.elapsed() >= MIN_CORRECT_TIME {
                    Ok(since - repaired)
                } else {
                    Err(format!("{latest:?}"))
                }
            },
        )
    }

    fn repeat(&self, kind: WriteKind, mut ask: impl FnMut(usize) -> Outcome) {
        for number in 0.. {
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            let at = Instant::now();
            let outcome = ask(number);
            self.answers().push(Answer { at, kind, outcome });
            std::thread::sleep(PAUSE_BETWEEN_WRITES);
        }
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines of the API server's log about calls that it gave up.
    pub fn failed_open(&self) -> Vec<String> {
        let log = self.world.bed.layout.log("kube-apiserver");
        let log = std::fs::read(log).expect("kube-apiserver's log");
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines().filter(|line| line.contains("failing open"));
        lines.map(str::to_owned).collect()
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The time with only correct answers, of each sort, after which rollout-guard counts as recovered.
const MIN_CORRECT_ANSWERS: usize = 10;
const MIN_CORRECT_TIME: Duration = Duration::from_secs(2);
/// The timeout of one write, and of the start of the load.
const TIMEOUT: Duration = Duration::from_secs(15);
const PAUSE_BETWEEN_WRITES: Duration = Duration::from_millis(10);
