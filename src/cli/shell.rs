//! `completions` and `man`: what shells and `man` read, made from the options themselves.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::error::Error;
use super::terminal::print_text;

/// Print a completion script for a shell
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Write man pages, one for each command
#[derive(Args, Clone, Debug)]
pub struct Man {
    /// The folder to write them to, such as ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  source <(rollout-guard completions bash)
  rollout-guard completions zsh > \"${fpath[1]}/_rollout-guard\"
  rollout-guard completions fish > ~/.config/fish/completions/rollout-guard.fish";

pub fn completions(options: &Completions, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "rollout-guard", &mut script);
    print_text(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

pub fn man(options: &Man, command: Command) -> Result<ExitCode, Error> {
    let folder = &options.folder;
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(Error::of_file(folder))?;
    Ok(ExitCode::SUCCESS)
}
