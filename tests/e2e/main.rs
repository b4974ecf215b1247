//! The end-to-end tests: stories on a real control plane, started by `tests/e2e/run`. README.md beside this
//! file says how a story is written.

// A story that finds what it did not expect ends there.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::format_push_string,
    // The stories' vocabulary; not every word is in use at all times.
    dead_code
)]

mod api;
mod authors;
mod bed;
mod command;
mod flow;
mod folder;
mod guard;
mod kubelet;
mod load;
mod network;
mod nodes;
mod reapply;
mod record;
mod release;
mod services;
mod stories;
mod story;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;

use bed::Bed;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().collect();
    let long = words.iter().any(|word| word == "--long");
    words.retain(|word| word != "--long");
    let mut arguments = Arguments::from_iter(words);
    arguments.test_threads.get_or_insert(THREADS);

    let chosen = story::chosen(&arguments);
    if arguments.list || chosen == 0 {
        return libtest_mimic::run(&arguments, story::trials(None)).exit_code();
    }
    network::isolate();
    story::catch_panics();
    let bed = Arc::new(Bed::start(long));
    let conclusion = libtest_mimic::run(&arguments, story::trials(Some(&bed)));
    if conclusion.has_failed() {
        bed.print_logs();
    }
    conclusion.exit_code()
}

/// Stories wait more than they work.
const THREADS: usize = 4;
