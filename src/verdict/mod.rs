//! What a rule says: a [`Finding`]. It knows neither HTTP nor how a finding is found.

mod finding;
mod findings;
mod message_parts;

pub use finding::{Cause, Digest, Finding, Remedy, RuleId, Severity};
pub use findings::Findings;
pub use message_parts::Message;

/// A [`Message`] whose first part is formatted as by `format!`.
macro_rules! message {
    ($($text:tt)*) => {
        $crate::verdict::Message::from(format!($($text)*))
    };
}
pub(crate) use message;
