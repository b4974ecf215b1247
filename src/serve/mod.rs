//! The webhook: HTTPS in, answers of [`crate::review`] out. It decides nothing itself.

// Here are the clock, files and sockets.
#![allow(clippy::disallowed_methods)]

mod admin;
mod announcement;
mod answers;
mod deadline;
mod error;
mod http;
mod log;
mod log_once;
mod manifests;
mod options;
mod program;
mod read_once;
mod review_log;
mod self_test;
mod self_test_failure;
mod signals;
mod unlisted_controllers;
mod webhook;

pub use answers::Answers;
pub use error::Error;
pub use options::Options;
pub use program::run;
pub use read_once::{ReadError, read_once};
pub use self_test::{Options as SelfTestOptions, self_test};
pub use webhook::Webhook;
