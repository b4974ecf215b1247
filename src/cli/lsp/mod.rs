//! `lsp`: a language server on standard input and output. It judges the workspace folders as `check` does, with the
//! texts that the editor holds in the place of the files.

mod actions;
mod hover;
mod judged;
mod options;
mod pages;
mod position;
mod server;
mod session;
mod transport;
mod workspace;

use std::process::ExitCode;

pub use self::options::Options;
use self::session::Session;
use super::error::Error;

pub fn run(options: Options) -> Result<ExitCode, Error> {
    options.selection.check()?;
    Ok(Session::new(options).run())
}
