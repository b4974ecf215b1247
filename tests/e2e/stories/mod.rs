//! The stories. A file's `STORIES` lists its own; ALL lists the files.

mod baseline;
mod guarded;
mod host_level;
mod subset_level;

use crate::story::Story;

pub const ALL: &[&[Story]] = &[
    baseline::STORIES,
    guarded::STORIES,
    host_level::STORIES,
    subset_level::STORIES,
];
