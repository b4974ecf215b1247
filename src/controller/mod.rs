//! A model of the Rollouts controller with Istio: what it writes into the objects of a flow at a point of a release.
//! It mirrors `reconcileTrafficRouting`, `UpdateHash`, `SetWeight`, `SetHeaderRoute`, `SetMirrorRoute` and
//! `RemoveManagedRoutes` of argo-rollouts 1.10, on whole objects.

#![warn(missing_docs)]
// An index into a `Value` that is read never panics; what is written to is made an object first.
#![allow(clippy::indexing_slicing)]

mod cleanup;
mod destination_rule;
mod reconcile;
mod routes;
mod services;
mod target;
mod weights;
mod world;

pub use cleanup::clean_up;
pub use reconcile::reconcile;
pub use target::Target;
pub use world::World;
