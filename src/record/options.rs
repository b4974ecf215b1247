//! The flags of `serve` about recordings.

use std::path::PathBuf;

use clap::Args;

/// Whether reviews are kept, and how many.
#[derive(Args, Clone, Debug)]
pub struct RecordOptions {
    /// Folder in which the reviews are kept that come, without secrets, to be asked again by `review`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How many reviews the folder may hold
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "record")]
    pub record_limit: usize,
}
