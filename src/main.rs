//! The command line: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use rollout_guard::cli::Arguments;

/// The static binary of the image: musl's own allocator is slow, and takes one lock for all threads.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Arguments::parse().run()
}
