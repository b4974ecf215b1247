//! The command line: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use rollout_guard::cli::Arguments;

/// The static binary of the image: musl's own allocator is slow, and has one lock.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    Arguments::parse().run()
}
