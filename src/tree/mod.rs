//! Flows as people draw them: a Rollout, the VirtualServices that it names, their routes, where each destination
//! leads, and the findings where they stand. Pure: it reads a view and whole objects, and renders text.

#![warn(missing_docs)]

mod builder;
mod destination;
mod details;
mod findings;
mod flow;
mod forest;
mod node;
mod referrers;
mod render;
mod route;

pub use details::{Details, objects};
pub use flow::describe;
pub use forest::{Selection, tree};
pub use node::{Fact, Mark, Node, Place};
pub use render::{Format, render};
