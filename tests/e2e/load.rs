//! A steady load of writes whose right answer is known: files applied again, writes that are good, writes that are
//! bad; and what came of each. Re-applies and bad writes are dry runs, which admission answers alike.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::api;
use crate::bed::poll;
use crate::flow::{FLOWS, Word};
use crate::reapply::{self, Way};
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
    Unguarded,
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
        let unguarded = count(|answer| matches!(answer.came, Came::Unguarded));
        let failed_open = self.failed_open().split_off(before);
        eprintln!(
            "e2e: {what}: {} writes: {} good ones denied, {unguarded} passed unguarded ({} calls failed open), {} not \
             answered; mended after {:.1} s, all right {:.1} s later",
            since.len(),
            wrong.len(),
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

    fn again(&self, number: usize) -> Came {
        let manifest = &self.manifests[number % self.manifests.len()];
        let way = Way::ALL[number / self.manifests.len() % Way::ALL.len()];
        let written = self.block_on(way.send_to(self.world, manifest, true));
        came(written, |object| {
            let word = self.word.read().unwrap_or_else(PoisonError::into_inner);
            word.stands_in(object)
        })
    }

    /// A DestinationRule and its VirtualService that are no flow's: the next subset comes, the route moves to it, the last
    /// subset goes. Whoever remembers what was a moment ago would deny the second and the third step.
    fn good(&self, pair: &str, step: usize) -> Came {
        let (name, round) = (format!("good-{pair}"), step / 3);
        let (last, next) = (format!("v{round}"), format!("v{}", round + 1));
        let manifest = match step % 3 {
            0 => destination_rule(&name, &[&last, &next]),
            1 => virtual_service(&name, &next),
            _ => destination_rule(&name, &[&next]),
        };
        came(self.apply(&manifest, false), |_| true)
    }

    fn bad(&self, number: usize) -> Came {
        let of = |kind: &str| {
            let mut all = self.manifests.iter();
            let found = all.find(|m| m["kind"] == kind && m["metadata"]["name"] == "app07");
            found.cloned().expect("the subset-level flow has one")
        };
        let written = match number % 4 {
            0 => {
                let mut manifest = of("VirtualService");
                manifest["spec"]["http"][0]["route"][0]["destination"]["subset"] = json!("v9");
                self.apply(&manifest, true)
            }
            1 => {
                let mut manifest = of("DestinationRule");
                manifest["spec"]["subsets"][0]["name"] = json!("v9");
                self.apply(&manifest, true)
            }
            2 => self.delete("VirtualService", "app07"),
            _ => self.retarget("app07"),
        };
        match came(written, |_| false) {
            Came::WronglyDenied(_) => Came::Right,
            other => other,
        }
    }

    fn apply(&self, manifest: &Value, dry_run: bool) -> kube::Result<Value> {
        self.block_on(Way::ServerSide.send_to(self.world, manifest, dry_run))
    }

    fn delete(&self, kind: &str, name: &str) -> kube::Result<Value> {
        let api = api::namespaced(&self.world.bed.client, kind, &self.world.namespace);
        let dry = DeleteParams {
            dry_run: true,
            ..DeleteParams::default()
        };
        self.block_on(async { api.delete(name, &dry).await.map(|_| Value::Null) })
    }

    fn retarget(&self, name: &str) -> kube::Result<Value> {
        let api = api::namespaced(&self.world.bed.client, "Rollout", &self.world.namespace);
        let rule = json!({"canarySubsetName": "v9"});
        let routing = json!({"istio": {"destinationRule": rule}});
        let patch = json!({"spec": {"strategy": {"canary": {"trafficRouting": routing}}}});
        let dry = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        self.block_on(async {
            let patched = api.patch(name, &dry, &Patch::Merge(patch)).await;
            patched.map(|object| api::json(&object))
        })
    }

    fn block_on(&self, write: impl Future<Output = kube::Result<Value>>) -> kube::Result<Value> {
        let answer = self
            .world
            .bed
            .block_on(async { timeout(PATIENCE, write).await });
        answer.unwrap_or_else(|late| Err(kube::Error::Service(late.into())))
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

fn came(written: kube::Result<Value>, right: impl Fn(&Value) -> bool) -> Came {
    match written {
        Ok(object) if right(&object) => Came::Right,
        Ok(_) => Came::Unguarded,
        Err(error) => {
            let told = error.to_string();
            if told.contains("[rollout-guard RG") || told.contains("denied the request") {
                Came::WronglyDenied(told)
            } else {
                Came::Failed(told)
            }
        }
    }
}

fn destination_rule(name: &str, subsets: &[&str]) -> Value {
    let subset = |name: &&str| json!({"name": name, "labels": {"version": name}});
    let subsets: Vec<Value> = subsets.iter().map(subset).collect();
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name},
        "spec": {"host": name, "subsets": subsets},
    })
}

fn virtual_service(name: &str, subset: &str) -> Value {
    let destination = json!({"host": name, "subset": subset});
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name},
        "spec": {"hosts": [name], "http": [{"route": [{"destination": destination}]}]},
    })
}

/// Right answers of each sort, and for how long, until a guard is taken to be well.
const ENOUGH: usize = 10;
const CALM: Duration = Duration::from_secs(2);
/// For one write.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(10);
