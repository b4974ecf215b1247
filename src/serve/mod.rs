//! The webhook server: HTTPS, the admin port, and the process around them. [`crate::decide`] makes the decisions.

// This room uses the clock, files and sockets.
#![allow(clippy::disallowed_methods)]

mod admin;
mod announcement;
mod answer;
mod answers;
mod body;
mod connections;
mod deadline;
mod error;
mod handshake;
mod http;
mod http_connection;
mod limits;
mod log;
mod log_once;
mod log_rate;
mod manifests;
mod options;
mod pool;
mod program;
mod refusal;
mod review_log;
mod signals;
mod unlisted_controllers;
mod webhook;

pub use answers::Answers;
pub use error::Error;
pub use limits::Limits;
pub use options::Options;
pub use program::run;
pub use webhook::Webhook;
