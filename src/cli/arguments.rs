//! The commands and their exit codes.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "serve")]
use super::certs;
use super::error::Error;
use super::terminal::tell;
use super::{check, explain, fix, review};
#[cfg(feature = "serve")]
use crate::serve;

/// Guards Argo Rollouts and Istio objects: no write can break a rollout, and no re-apply can undo one.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

// There is one, from the start of the process to its end.
#[allow(clippy::large_enum_variant)]
#[derive(Subcommand)]
enum Command {
    Check(check::Options),
    Review(review::Options),
    Fix(fix::Options),
    Explain(explain::Options),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Options>),
    #[cfg(feature = "serve")]
    SelfTest(serve::SelfTestOptions),
    #[cfg(feature = "serve")]
    Certs(certs::Options),
}

impl Arguments {
    /// Carries the command out; its answer is the exit code.
    pub fn run(self) -> ExitCode {
        self.carry_out().unwrap_or_else(|error| {
            tell(format_args!("error: {error}"));
            ExitCode::from(2)
        })
    }

    fn carry_out(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Check(options) => check::run(&options),
            Command::Review(options) => review::run(&options),
            Command::Fix(options) => fix::run(&options),
            Command::Explain(options) => explain::run(&options),
            #[cfg(feature = "serve")]
            Command::Serve(options) => {
                serve::run(*options)?;
                Ok(ExitCode::SUCCESS)
            }
            #[cfg(feature = "serve")]
            Command::SelfTest(options) => Ok(self_test(&options)),
            #[cfg(feature = "serve")]
            Command::Certs(options) => certs::run(&options).map_err(Error::Certificates),
        }
    }
}

#[cfg(feature = "serve")]
fn self_test(options: &serve::SelfTestOptions) -> ExitCode {
    match serve::self_test(options) {
        Ok(seen) => {
            super::terminal::print_line(seen);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            tell(format_args!("self-test failed: {fault}"));
            ExitCode::FAILURE
        }
    }
}
