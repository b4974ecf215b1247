//! The end-to-end tests: stories on a real control plane, started by `tests/e2e/run`. See README.md for how to write
//! a story.

// A story stops at the first unexpected result.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::format_push_string,
    // The vocabulary of stories. Not every word is always used.
    dead_code
)]

mod api;
mod argo_cd;
mod authors;
mod bed;
mod cert_manager;
mod command;
mod flow;
mod flux;
mod folder;
mod guard;
mod istiod;
mod kubelet;
mod load;
mod network;
mod nodes;
mod reapply;
mod record;
mod release;
mod repository;
mod results;
#[path = "../pictures/screen.rs"]
mod screen;
mod services;
mod stories;
mod story;
mod team;
mod world;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;

use bed::Bed;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().collect();
    let mut takes = |flag: &str| {
        let given = words.iter().any(|word| word == flag);
        words.retain(|word| word != flag);
        given
    };
    let (long, neighbours) = (takes("--long"), takes("--neighbours"));
    let versions = takes("--versions");
    let mut arguments = Arguments::from_iter(words);
    arguments.test_threads.get_or_insert(THREADS);

    let stories = if versions {
        stories::of_each_version()
    } else {
        stories::all(neighbours)
    };
    let chosen = story::chosen(&arguments, &stories);
    if arguments.list || chosen == 0 {
        return libtest_mimic::run(&arguments, story::trials(None, &stories)).exit_code();
    }
    network::isolate();
    story::catch_panics();
    let bed = Arc::new(Bed::start(long));
    let conclusion = libtest_mimic::run(&arguments, story::trials(Some(&bed), &stories));
    if versions {
        results::write(&bed.layout);
    }
    if conclusion.has_failed() {
        bed.print_logs();
        story::print_failures();
    }
    conclusion.exit_code()
}

/// Stories spend most of their time waiting.
const THREADS: usize = 4;
