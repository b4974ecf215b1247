//! Argo CD beside rollout-guard: automatic sync with self-heal, with the diffs and the ways to apply that it has, each
//! compared with a namespace without rollout-guard.

mod commits;
mod deletion;
mod self_heal;

pub use commits::STORIES as COMMITS;
pub use deletion::STORIES as DELETION;
pub use self_heal::STORIES as SELF_HEAL;
