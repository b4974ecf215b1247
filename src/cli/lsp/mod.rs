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
use super::terminal::print_error;

pub fn run(options: Options) -> Result<ExitCode, Error> {
    options.selection.check()?;
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        print_error(
            "note: this waits for an editor to speak to it; see `rollout-guard lsp --help`",
        );
    }
    Ok(Session::new(options).run())
}
