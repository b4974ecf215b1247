//! `serve --record DIR`: keeps each review with the objects that were read for it and its answer, so that
//! `rollout-guard review` can answer it again, or a test.

#![allow(clippy::disallowed_methods)]

mod dropped;
mod folder;
mod options;
mod recorder;
mod redact;
mod source;
mod writer;

pub use options::RecordOptions;
pub use recorder::Recorder;
pub use source::Source;
