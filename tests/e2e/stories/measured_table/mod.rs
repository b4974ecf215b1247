//! Every row of the table in README.md: values that a write wipes are kept in the same write, and a write that
//! breaks a rollout is denied. Each story has a comparison in a namespace without rollout-guard.

mod denied;
mod helm;
mod kept;

pub use denied::STORIES as DENIED;
pub use helm::STORIES as HELM;
pub use kept::STORIES as KEPT;
