//! What a re-apply would wipe, kept inside the same write: one file per mutation, each with its
//! documentation. A mutation touches only what the controller owns or the flow requires.

#![warn(missing_docs)]

#[macro_use]
mod mutation;
mod input;
mod patch;
mod split;

// The mutations, in the order they run: names and routes first, then what stands in them.
mod generic_labels;
mod hash_selectors;
mod inserted_routes;
mod route_name;
mod service_hash;
mod shared_ownership;
mod weights;

pub use input::Input;
pub use mutation::{Mutation, Writer};
pub use patch::{Kept, Patch};

use crate::model::Kind;

/// All mutations in the order in which they run on a write.
pub const MUTATIONS: &[Mutation] = &[
    route_name::MUTATION,
    inserted_routes::MUTATION,
    weights::MUTATION,
    generic_labels::MUTATION,
    hash_selectors::MUTATION,
    service_hash::MUTATION,
    shared_ownership::MUTATION,
];

/// Those whose result belongs into a repository: no weight or hash of a running release.
pub const IN_REPOSITORIES: &[Mutation] = &[route_name::MUTATION, generic_labels::MUTATION];

/// The mutation of a name.
pub fn find(name: &str) -> Option<&'static Mutation> {
    MUTATIONS.iter().find(|mutation| mutation.name == name)
}

/// Whether a mutation is for this kind.
pub fn is_mutable(kind: Kind) -> bool {
    let mut mutations = MUTATIONS.iter();
    mutations.any(|mutation| mutation.kinds.contains(&kind))
}
