//! Plays the steps of a Rollout on its objects: the weights of every route, the routes that are inserted, which pods a
//! request reaches, and where it gets a 503. The steps are carried out by the model in [`crate::controller`], and hosts
//! and subsets resolve as for the rules.

#![warn(missing_docs)]

mod condition;
mod pods;
mod reach;
mod release;
mod request;
mod show;

pub use pods::{Pods, Revisions};
pub use reach::{Answer, Reach, of_route};
pub use release::{Stage, play};
pub use request::Request;
pub use show::nodes;
