//! The objects, with only the fields that rules read. Parsing never fails: unknown fields are ignored, and a
//! field of the wrong type is noted as malformed.

#![warn(missing_docs)]

mod analysis;
mod destination_rule;
mod field_names;
mod gateway;
mod host;
mod key;
mod kind;
mod meta;
mod notes;
mod object;
mod reader;
mod release;
mod rollout;
mod selector;
mod service;
mod shape;
mod status;
mod steps;
mod traffic_routing;
mod value_path;
mod virtual_service;
mod workload;
mod write;

pub use analysis::{Analysis, TemplateRef};
pub use destination_rule::{DestinationRule, Policy, Subset};
pub use field_names::{AbsentIn, UnknownField, UnknownFields};
pub use gateway::Gateway;
pub use host::Host;
pub use key::Key;
pub use kind::{ALLOW_GROUP, HASH_LABEL, Kind, Watch};
pub use meta::{ALLOW, ALLOW_VERB, CLAIMED_BY, ENFORCE, Enforce, MANAGED_BY, Meta};
pub use notes::Malformed;
pub use object::{Body, Object, Typed, UNREAD, is_partial};
pub use reader::{IntOrString, Labels, Reader};
pub use release::Release;
pub use rollout::{AntiAffinity, BlueGreen, Canary, PingPong, Rollout, WorkloadRef};
pub use selector::{Expression, Selector};
pub use service::{Service, ServiceEntry};
pub use shape::Shape;
pub use status::{Status, WeightDestination, Weights};
pub use steps::{Experiment, ExperimentTemplate, MatchField, RouteStep, Step, StringMatch};
pub use traffic_routing::{
    DestinationRuleRef, Istio, TcpRouteRef, TlsRouteRef, TrafficRouting, VirtualServiceRef,
};
pub use virtual_service::{
    Delegate, Destination, HttpRoute, L4Match, L4Route, RouteDestination, VirtualService,
};
pub use workload::Workload;
pub use write::{Operation, Write};
