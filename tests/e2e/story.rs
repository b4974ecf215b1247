//! What a story is, and how stories run: those that only use their own namespace run in parallel; those that disturb
//! the test bed run afterwards, one by one.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::bed::Bed;
use crate::results;

/// A named test on the test bed, declared with `shared!` or `alone!`.
#[derive(Clone, Copy)]
pub struct Story {
    pub module: &'static str,
    pub name: &'static str,
    pub run: fn(&Bed),
    /// Whether no other story may run at the same time.
    pub alone: bool,
}

impl Story {
    /// `baseline::a_canary_reaches_its_first_weight`.
    pub fn title(&self) -> String {
        let module = self.module.rsplit("stories::").next().unwrap_or_default();
        format!("{module}::{}", self.name)
    }
}

/// A story that only uses its own namespace.
#[macro_export]
macro_rules! shared {
    ($run:ident) => {
        $crate::story!($run, false)
    };
}

/// A story that disturbs the whole test bed: it stops the API server, or installs the chart again.
#[macro_export]
macro_rules! alone {
    ($run:ident) => {
        $crate::story!($run, true)
    };
}

#[macro_export]
macro_rules! story {
    ($run:ident, $alone:literal) => {
        $crate::story::Story {
            module: module_path!(),
            name: stringify!($run),
            run: $run,
            alone: $alone,
        }
    };
}

/// The stories as tests, those that run alone last. Without a test bed they can only be listed.
pub fn trials(bed: Option<&Arc<Bed>>, stories: &[Story]) -> Vec<Trial> {
    let gate = Arc::new(RwLock::new(()));
    let mut all = stories.to_vec();
    all.sort_by_key(|story| story.alone);
    let trial = |story: Story| {
        let (bed, gate) = (bed.cloned(), Arc::clone(&gate));
        Trial::test(story.title(), move || match bed {
            Some(bed) => run(story, &bed, &gate),
            None => Err("the test bed is not running".into()),
        })
    };
    all.into_iter().map(trial).collect()
}

/// The number of stories that the arguments select.
pub fn chosen(arguments: &Arguments, stories: &[Story]) -> usize {
    let trials = trials(None, stories);
    let kept = trials
        .iter()
        .filter(|trial| !arguments.is_filtered_out(trial));
    kept.count()
}

fn run(story: Story, bed: &Bed, gate: &RwLock<()>) -> Result<(), Failed> {
    let _alone = story
        .alone
        .then(|| gate.write().unwrap_or_else(PoisonError::into_inner));
    let _beside = (!story.alone).then(|| gate.read().unwrap_or_else(PoisonError::into_inner));
    PANIC.take();
    let from = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| (story.run)(bed)));
    note_time(story, bed, from.elapsed());
    results::note(story, done.is_ok());
    done.map_err(|_| {
        let why = PANIC.take();
        let mut failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push(format!("{}: {why}", story.title()));
        why.into()
    })
}

/// Prints why stories failed once more, below the logs, where the reader of a long output begins.
pub fn print_failures() {
    let failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
    for failure in failures.iter() {
        eprintln!("e2e: {failure}");
    }
}

/// Writes `times.log`: check the duration of the stories before you add one.
fn note_time(story: Story, bed: &Bed, took: Duration) {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(bed.layout.log("times"));
    let line = format!("{:6.1} s  {}\n", took.as_secs_f32(), story.title());
    log.and_then(|mut log| log.write_all(line.as_bytes())).ok();
}

/// Runs two parts of a story in parallel; a failure in one fails the story.
pub fn side_by_side<A: Send, B: Send>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    let other = || catch_unwind(AssertUnwindSafe(other)).map_err(|_| PANIC.take());
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        let other = other.join().expect("panics are caught");
        (one, other.unwrap_or_else(|why| panic!("{why}")))
    })
}

/// Stores a story's panic for its report instead of printing it between the lines of other stories.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let (place, what) = (panic.location(), panic.payload_as_str());
        let what = what.unwrap_or("a panic without a message");
        let text = place.map_or_else(|| what.to_owned(), |place| format!("{place}: {what}"));
        if std::thread::current().name() == Some("main") {
            eprintln!("{text}");
        }
        PANIC.set(text);
    }));
}

static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}
