//! What a rule says: a [`Finding`]. It knows neither HTTP nor how a finding is found.

mod finding;
mod message_parts;

pub use finding::{Cause, Digest, Finding, Findings, Remedy, RuleId, Severity};
pub use message_parts::Message;

/// A [`Message`] whose first part is formatted as by `format!`.
macro_rules! message {
    ($($text:tt)*) => {
        $crate::verdict::Message::from(format!($($text)*))
    };
}
pub(crate) use message;
