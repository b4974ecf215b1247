//! The flags of `serve` about recordings.

use std::path::PathBuf;

use clap::Args;

const DEFAULT_SIZE_LIMIT_BYTES: u64 = 200 << 20;

/// Whether reviews are kept, and how many.
#[derive(Args, Clone, Debug)]
pub struct RecordOptions {
    /// Folder in which each review is recorded without secrets, for `rollout-guard review`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Largest number of reviews in the folder
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "record")]
    pub record_limit: usize,
    /// Largest size of the folder in bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_SIZE_LIMIT_BYTES, requires = "record")]
    pub record_size_limit: u64,
}
