//! The wire: the only module that knows `admission.k8s.io/v1`. It parses requests and renders decisions; it
//! decides nothing.

#![warn(missing_docs)]

mod denial;
mod envelope;
mod partial;
mod request;
mod response;
mod scalars;
mod unreadable;
mod warnings;
mod whole;

pub use request::{BadRequest, parse, user_info};
pub use response::render;
pub use unreadable::allow_unread;
