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
mod manifests;
mod once;
mod options;
mod program;
mod self_test;
mod signals;
mod unlisted_controllers;
mod webhook;

pub use answers::Answers;
pub use error::Error;
pub use once::read_once;
pub use options::Options;
pub use program::run;
pub use self_test::{Options as SelfTestOptions, self_test};
pub use webhook::Webhook;
