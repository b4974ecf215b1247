//! The flags of `serve` about recordings.

use std::path::PathBuf;

use clap::Args;

/// Whether reviews are kept, and how many.
#[derive(Args, Clone, Debug)]
pub struct RecordOptions {
    /// Folder in which each review is recorded without secrets, for `rollout-guard review`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Largest number of reviews in the folder
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "record")]
    pub record_limit: usize,
}
