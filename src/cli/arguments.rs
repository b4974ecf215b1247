//! The commands and their exit codes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "serve")]
use super::certs;
use super::error::Error;
use super::terminal::print_error;
#[cfg(feature = "serve")]
use super::terminal::print_line;
use super::{check, explain, fix, review, simulate, tree};
#[cfg(feature = "serve")]
use crate::{self_test, serve};

/// Guards Argo Rollouts and Istio objects: no write breaks a release, and no re-apply undoes one
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

// A process has one value of this.
#[allow(clippy::large_enum_variant)]
#[derive(Subcommand)]
enum Command {
    Check(check::Options),
    Review(review::Options),
    Fix(fix::Options),
    Explain(explain::Options),
    Tree(tree::Options),
    Simulate(simulate::Options),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Options>),
    #[cfg(feature = "serve")]
    SelfTest(self_test::Options),
    #[cfg(feature = "serve")]
    Certs(certs::Options),
}

impl Arguments {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        self.try_run().unwrap_or_else(|error| {
            print_error(format_args!("error: {error}"));
            ExitCode::from(2)
        })
    }

    fn try_run(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Check(options) => check::run(&options),
            Command::Review(options) => review::run(&options),
            Command::Fix(options) => fix::run(&options),
            Command::Explain(options) => explain::run(&options),
            Command::Tree(options) => tree::run(&options),
            Command::Simulate(options) => simulate::run(&options),
            #[cfg(feature = "serve")]
            Command::Serve(options) => {
                serve::run(*options)?;
                Ok(ExitCode::SUCCESS)
            }
            #[cfg(feature = "serve")]
            Command::SelfTest(options) => Ok(self_test(&options)),
            #[cfg(feature = "serve")]
            Command::Certs(options) => certs::run(&options),
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
