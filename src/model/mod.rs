//! Lenient partial views of the kinds that rules read: the fields they need and no others.
//! A newer version or an unknown field never breaks a view; nothing here judges.

mod destination_rule;
mod host;
mod key;
mod kind;
mod meta;
mod object;
mod reader;
mod rollout;
mod selector;
mod service;
mod status;
mod steps;
mod traffic_routing;
mod trail;
mod virtual_service;
mod workload;
mod write;

pub use destination_rule::{DestinationRule, Policy, Subset};
pub use host::Host;
pub use key::Key;
pub use kind::{Kind, Watch};
pub use meta::{Enforce, Meta};
pub use object::{Body, Object, Typed};
pub use reader::{IntOrString, Labels, Malformed, Reader};
pub use rollout::{
    AntiAffinity, BlueGreen, Canary, DestinationRuleRef, Istio, PingPong, Rollout, TcpRouteRef,
    TlsRouteRef, TrafficRouting, VirtualServiceRef, WorkloadRef,
};
pub use selector::{Expression, Selector};
pub use service::{Service, ServiceEntry};
pub use status::{Status, WeightDestination, Weights};
pub use steps::{Experiment, ExperimentTemplate, MatchField, RouteStep, Step, StringMatch};
pub use virtual_service::{
    Delegate, Destination, HttpRoute, L4Match, L4Route, RouteDestination, VirtualService,
};
pub use workload::Workload;
pub use write::{Operation, Write};

/// The label by which the controller tells the pods of one revision from those of another.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";

/// The annotation by which the controller marks what it writes for a Rollout.
pub const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

/// The annotation that turns rules into warnings and mutations off for one object.
pub const ALLOW: &str = "rollout-guard.io/allow";

/// The namespace label that overrides the profile.
pub const ENFORCE: &str = "rollout-guard.io/enforce";
