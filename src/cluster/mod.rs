//! The objects of a cluster, their edges in both directions, and how references resolve. Rules and mutations
//! read them through [`View`] and [`Flow`].

#![warn(missing_docs)]

mod argo;
mod claim;
mod claims;
mod dependents;
mod edge;
mod facts;
mod flow;
mod hashes;
mod holders;
mod index;
mod left_behind;
mod managed_route;
mod mesh;
mod overlay;
pub mod reference;
mod role;
mod routed_destination;
mod service_role;
mod subsets;
mod view;
mod visibility;

pub use argo::{ArgoVersion, BEHAVIOURS, Behaviour};
pub use claim::Claim;
pub use claims::{Claims, Requirement};
pub use dependents::dependents;
pub use facts::{About, Fact, Facts};
pub use flow::{Flow, LinkedDestinationRule, LinkedService, LinkedVirtualService};
pub use index::Cluster;
pub use managed_route::{L4Routes, List, ManagedRoute};
pub use mesh::Mesh;
pub use overlay::Overlay;
pub use role::{Role, Roles};
pub use routed_destination::RoutedDestination;
pub use service_role::ServiceRole;
pub use subsets::{RuleScope, is_never_merged, visible_rules};
pub use view::{Validation, View};
pub use visibility::{ExportTo, provided_ports, visible_providers};
