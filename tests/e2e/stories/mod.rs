//! The stories. A file's `STORIES` lists its own; ALL lists the files.

mod baseline;
mod guarded;

use crate::story::Story;

pub const ALL: &[&[Story]] = &[baseline::STORIES, guarded::STORIES];
