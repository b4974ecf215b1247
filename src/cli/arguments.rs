//! The commands and their exit codes.

use std::process::ExitCode;

#[cfg(feature = "terminal")]
use clap::CommandFactory;
use clap::{Parser, Subcommand};

#[cfg(feature = "serve")]
use super::certs;
#[cfg(all(feature = "serve", feature = "terminal"))]
use super::doctor;
use super::error::Error;
use super::terminal::print_error;
#[cfg(feature = "serve")]
use super::terminal::print_line;
use super::{check, review};
#[cfg(feature = "terminal")]
use super::{explain, fix, lsp, shell, simulate, tree};
use crate::files::settings::SettingsOptions;
#[cfg(feature = "serve")]
use crate::{self_test, serve};

/// Guards Argo Rollouts and Istio objects: no write breaks a release, and no re-apply undoes one
#[derive(Parser)]
#[command(version = VERSION, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Say on standard error which settings file is used
    #[arg(short, long, global = true, display_order = LAST)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

// A process has one value of this.
#[allow(clippy::large_enum_variant)]
#[derive(Subcommand)]
enum Command {
    Check(check::Options),
    #[cfg(feature = "terminal")]
    Fix(fix::Options),
    #[cfg(feature = "terminal")]
    Tree(tree::Options),
    #[cfg(feature = "terminal")]
    Simulate(simulate::Options),
    #[cfg(feature = "terminal")]
    Explain(explain::Options),
    #[cfg(feature = "terminal")]
    Lsp(lsp::Options),
    Review(review::Options),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Options>),
    #[cfg(all(feature = "serve", feature = "terminal"))]
    Doctor(doctor::Options),
    #[cfg(feature = "serve")]
    SelfTest(self_test::Options),
    #[cfg(feature = "serve")]
    Certs(certs::Options),
    #[cfg(feature = "terminal")]
    Completions(shell::Completions),
    #[cfg(feature = "terminal")]
    Man(shell::Man),
}

/// Behind the options of a command.
const LAST: usize = 900;

/// With the commit that it is built from.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("ROLLOUT_GUARD_COMMIT"),
    ")"
);

#[cfg(feature = "terminal")]
const AFTER_HELP: &str = "\
Examples:
  rollout-guard check manifests/             what is wrong in a repository
  rollout-guard tree manifests/              the flows in it, with weights and findings
  rollout-guard tree rollout/app             a flow of a cluster, also with pods and owners of fields
  rollout-guard simulate manifests/          the steps of a release, played on manifests
  rollout-guard explain RG501                why a rule is there, and how to repair what it finds

Exit codes:
  0  done; no error found
  1  errors found (check, tree), a write denied (review), or a file that would change (fix)
  2  an argument or some input cannot be used: it is told on standard error

Settings are read from --config, or from rollout-guard.yaml in this folder or above it.";

#[cfg(not(feature = "terminal"))]
const AFTER_HELP: &str = "\
This is the binary of the image. `fix`, `tree`, `simulate`, `explain`, `lsp`, `completions` and `man` are in the one that
`cargo install` builds.";

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        self.try_run().unwrap_or_else(|error| {
            print_error(format_args!("error: {error}"));
            ExitCode::from(2)
        })
    }

    fn try_run(self) -> Result<ExitCode, Error> {
        if self.verbose
            && let Some(settings) = self.command.settings()
        {
            let file = settings.file();
            let file = file.map_or("none".to_owned(), |file| file.display().to_string());
            print_error(format_args!("settings file: {file}"));
        }
        match self.command {
            Command::Check(options) => check::run(&options),
            Command::Review(options) => review::run(&options),
            #[cfg(feature = "terminal")]
            Command::Fix(options) => fix::run(&options),
            #[cfg(feature = "terminal")]
            Command::Explain(options) => explain::run(&options),
            #[cfg(feature = "terminal")]
            Command::Lsp(options) => lsp::run(options),
            #[cfg(feature = "terminal")]
            Command::Tree(options) => tree::run(options),
            #[cfg(feature = "terminal")]
            Command::Simulate(options) => simulate::run(&options),
            #[cfg(feature = "serve")]
            Command::Serve(options) => {
                serve::run(*options)?;
                Ok(ExitCode::SUCCESS)
            }
            #[cfg(all(feature = "serve", feature = "terminal"))]
            Command::Doctor(options) => doctor::run(&options),
            #[cfg(feature = "serve")]
            Command::SelfTest(options) => Ok(self_test(&options)),
            #[cfg(feature = "serve")]
            Command::Certs(options) => certs::run(&options),
            #[cfg(feature = "terminal")]
            Command::Completions(options) => Ok(shell::completions(&options, Arguments::command())),
            #[cfg(feature = "terminal")]
            Command::Man(options) => shell::man(&options, Arguments::command()),
        }
    }
}

impl Command {
    /// The settings of a command that looks for a settings file.
    #[cfg_attr(
        not(any(feature = "serve", feature = "terminal")),
        allow(clippy::unnecessary_wraps) // those that have none are not built
    )]
    fn settings(&self) -> Option<&SettingsOptions> {
        match self {
            Command::Check(options) => Some(&options.settings),
            #[cfg(feature = "terminal")]
            Command::Fix(options) => Some(&options.settings),
            #[cfg(feature = "terminal")]
            Command::Tree(options) => Some(options.settings()),
            #[cfg(feature = "terminal")]
            Command::Simulate(options) => Some(&options.settings),
            #[cfg(feature = "terminal")]
            Command::Lsp(options) => Some(&options.settings),
            Command::Review(options) => Some(&options.settings),
            #[cfg(any(feature = "serve", feature = "terminal"))]
            _ => None,
        }
    }
}

#[cfg(feature = "serve")]
fn self_test(options: &self_test::Options) -> ExitCode {
    match self_test::self_test(options) {
        Ok(result) => {
            print_line(result);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(format_args!("self-test failed: {error}"));
            ExitCode::FAILURE
        }
    }
}
