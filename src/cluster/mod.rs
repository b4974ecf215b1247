//! What is known of a cluster: objects, edges in both directions, and how references resolve.
//! Rules and mutations read it through [`View`] and [`Flow`]; nothing here judges.

mod argo;
mod edge;
mod expected;
mod facts;
mod flow;
mod index;
mod managed;
mod mesh;
pub mod reference;
mod role;
mod routed;
mod subsets;
mod touched;
mod view;
mod visibility;

pub use argo::{ArgoVersion, BEHAVIOURS, Behaviour};
pub use facts::{Fact, Facts};
pub use flow::{Flow, LinkedDestinationRule, LinkedService, LinkedVirtualService};
pub use index::Cluster;
pub use managed::{List, ManagedRoute, tcp_route_indexes, tls_route_indexes};
pub use mesh::Mesh;
pub use reference::ServiceRole;
pub use role::{Role, Roles};
pub use routed::RoutedDestination;
pub use subsets::{RuleScope, is_never_merged, visible_rules};
pub use touched::touched;
pub use view::{Overlay, View};
pub use visibility::{ExportTo, provided_ports, visible_providers};
