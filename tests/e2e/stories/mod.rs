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

pub const ALL: &[&[Story]] = &[
    audit::STORIES,
    baseline::STORIES,
    chart::STORIES,
    guarded::STORIES,
    zero_flap::STORIES,
    faults::STORIES,
    latency::STORIES,
    under_load::STORIES,
];
