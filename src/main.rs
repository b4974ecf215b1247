//! The command line: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use rollout_guard::cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
