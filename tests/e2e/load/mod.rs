//! A steady load of writes whose right answer is known: files applied again, writes that are good, writes that are
//! bad; and what came of each. Re-applies and bad writes are dry runs, which admission answers alike.

mod writes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::poll;
use crate::flow::{FLOWS, Word};
use crate::reapply;
use crate::world::World;

pub struct Load<'a> {
    world: &'a World<'a>,
    manifests: Vec<Value>,
    word: RwLock<Word>,
    answers: Mutex<Vec<Answer>>,
    ended: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A file again: what it would wipe is to stay.
    Again,
    /// A write that is never to be denied.
    Good,
    /// A write that is to be denied.
    Bad,
}

#[derive(Clone, Debug)]
enum Came {
    Right,
    /// Stored, or would be, as it was sent.
    Unguarded(String),
    /// A good write, denied by the guard.
    WronglyDenied(String),
    /// Not the guard's doing: the API server or etcd did not answer, or had nothing to write to.
    Failed(String),
}

#[derive(Clone, Debug)]
struct Answer {
    at: Instant,
    asked: Asked,
    came: Came,
}

/// What came of the load while something was broken, and how long after that until all was right again.
pub struct Endured {
    pub unguarded: usize,
    /// Webhook calls that the API server gave up.
    pub failed_open: Vec<String>,
    /// Bad writes that were denied.
    pub denied: usize,
}

impl Endured {
    /// Calls that were given up for another reason than that no answer came in time, as happens where many share a
    /// machine.
    pub fn broken(&self) -> Vec<&str> {
        let lines = self.failed_open.iter().map(String::as_str);
        lines
            .filter(|line| !line.contains("context deadline exceeded"))
            .collect()
    }
}

impl<'a> Load<'a> {
    /// Runs a story with the load on two flows in mid-canary.
    pub fn on<T>(world: &'a World<'a>, story: impl FnOnce(&Self) -> T) -> T {
        let mut manifests = reapply::manifests(world, FLOWS);
        let word = Word::of(world, &manifests);
        manifests.retain(|manifest| word.has(manifest));
        let load = Self {
            world,
            manifests,
            word: RwLock::new(word),
            answers: Mutex::default(),
            ended: AtomicBool::new(false),
        };
        std::thread::scope(|scope| {
            // Also when the story fails: the scope waits for its threads.
            let _end = End(&load.ended);
            scope.spawn(|| load.repeat(Asked::Again, |number| load.again(number)));
            scope.spawn(|| load.repeat(Asked::Bad, |number| load.bad(number)));
            for pair in ["a", "b"] {
                let load = &load;
                let mut step = 0;
                scope.spawn(move || {
                    load.repeat(Asked::Good, |_| {
                        let came = load.good(pair, step);
                        // What was not answered is sent again: the steps build on each other.
                        step += usize::from(matches!(came, Came::Right));
                        came
                    });
                });
            }
            load.until_right(Instant::now(), PATIENCE);
            story(&load)
        })
    }

    /// Breaks something and puts it back; then all is right again within the time, and no good write was ever denied.
    pub fn endures(&self, what: &str, within: Duration, fault: impl FnOnce()) -> Endured {
        let before = self.failed_open().len();
        let from = Instant::now();
        fault();
        let mended = Instant::now();
        let right = self.until_right(mended, within);
        let answers = self.answers();
        let since: Vec<&Answer> = answers.iter().filter(|answer| answer.at >= from).collect();
        let count = |is: fn(&Answer) -> bool| since.iter().filter(|answer| is(answer)).count();
        let wrong = since.iter().filter_map(|answer| match &answer.came {
            Came::WronglyDenied(why) => Some(why.as_str()),
            _ => None,
        });
        let wrong: Vec<&str> = wrong.collect();
        let unguarded = count(|answer| matches!(answer.came, Came::Unguarded(_)));
        let failed_open = self.failed_open().split_off(before);
        eprintln!(
            "e2e: {what}: {} writes: {} good ones denied, {unguarded} passed unguarded ({} of them bad ones, \
             {} calls failed open), {} not answered; mended after {:.1} s, all right {:.1} s later",
            since.len(),
            wrong.len(),
            count(|answer| answer.asked == Asked::Bad && matches!(answer.came, Came::Unguarded(_))),
            failed_open.len(),
            count(|answer| matches!(answer.came, Came::Failed(_))),
            (mended - from).as_secs_f32(),
            right.as_secs_f32(),
        );
        assert!(wrong.is_empty(), "denied wrongly:\n{}", wrong.join("\n"));
        let denied =
            count(|answer| answer.asked == Asked::Bad && matches!(answer.came, Came::Right));
        Endured {
            unguarded,
            failed_open,
            denied,
        }
    }

    /// What the controller says now counts from here on.
    pub fn learn(&self) {
        let word = Word::of(self.world, &self.manifests);
        *self.word.write().unwrap_or_else(PoisonError::into_inner) = word;
    }

    /// Waits until the load has only had right answers for a while; how long after `mended` the last other one was asked.
    fn until_right(&self, mended: Instant, within: Duration) -> Duration {
        poll("right answers alone", within + CALM * 3, &mut || {
            let answers = self.answers();
            let last = |asked| {
                let mut of = answers
                    .iter()
                    .rev()
                    .filter(|answer: &&Answer| answer.asked == asked);
                of.find(|answer| !matches!(answer.came, Came::Right))
            };
            let wrong = [Asked::Again, Asked::Good, Asked::Bad].map(last);
            let latest = wrong.iter().flatten().max_by_key(|answer| answer.at);
            let since = latest.map_or(mended, |answer| answer.at.max(mended));
            let right = |asked| {
                let of = answers.iter().rev().take_while(|answer| answer.at > since);
                of.filter(|answer| answer.asked == asked).count() >= ENOUGH
            };
            let all = right(Asked::Again) && right(Asked::Good) && right(Asked::Bad);
            if all && since.elapsed() >= CALM {
                Ok(since - mended)
            } else {
                Err(format!("{latest:?}"))
            }
        })
    }

    fn repeat(&self, asked: Asked, mut ask: impl FnMut(usize) -> Came) {
        for number in 0.. {
            if self.ended.load(Ordering::Relaxed) {
                return;
            }
            let at = Instant::now();
            let came = ask(number);
            self.answers().push(Answer { at, asked, came });
            std::thread::sleep(PAUSE);
        }
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the API server's log says of calls that it gave up.
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

/// Right answers of each sort, and for how long, until a guard is taken to be well.
const ENOUGH: usize = 10;
const CALM: Duration = Duration::from_secs(2);
/// For one write, and for the load to begin.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(10);
