//! The stories. A file's `STORIES` lists its own; ALL lists the files.

mod audit;
mod baseline;
mod chart;
mod faults;
mod guarded;
mod latency;
mod under_load;
mod zero_flap;

use crate::story::Story;

// One line each: they are written side by side.
#[rustfmt::skip]
pub const ALL: &[&[Story]] = &[
    audit::STORIES,
    baseline::STORIES,
    chart::STORIES,
    faults::STORIES,
    guarded::STORIES,
    latency::STORIES,
    under_load::STORIES,
    zero_flap::STORIES,
];
