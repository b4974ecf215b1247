//! The flags of `lsp`: those of `check` that say how to judge.

use clap::Args;

use crate::cli::selection::Selection;
use crate::files::settings::SettingsOptions;

/// Serve findings, quick fixes and documentation to an editor (language server, on standard input and output)
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "An editor starts it: docs/editors.md says how, for VS Code, Neovim, Helix and others"
)]
pub struct Options {
    /// The workspace contains all objects of the cluster: a missing object is an error
    #[arg(long, help_heading = "Input")]
    pub complete: bool,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub settings: SettingsOptions,
    /// Editors add it; standard input and output are the only channel
    #[arg(long, hide = true)]
    #[allow(dead_code)] // clap reads it
    stdio: bool,
}
