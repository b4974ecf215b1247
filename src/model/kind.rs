//! The kinds we know, told apart by API group, and the key of an object.

use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Rollout,
    VirtualService,
    DestinationRule,
    Service,
    ServiceEntry,
    Gateway,
    Namespace,
    Deployment,
    ReplicaSet,
    PodTemplate,
}

/// What names one object in a cluster. Cluster-scoped objects have an empty namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Rollout,
        Kind::VirtualService,
        Kind::DestinationRule,
        Kind::Service,
        Kind::ServiceEntry,
        Kind::Gateway,
        Kind::Namespace,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::PodTemplate,
    ];

    /// The kind of an `apiVersion` and `kind`; `None` for a stranger, such as a Knative Service.
    pub fn of(api_version: &str, kind: &str) -> Option<Kind> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::in_group(group, kind)
    }

    pub fn in_group(group: &str, kind: &str) -> Option<Kind> {
        Self::ALL
            .into_iter()
            .find(|known| known.group() == group && known.as_str() == kind)
    }

    pub fn group(self) -> &'static str {
        match self {
            Kind::Rollout => "argoproj.io",
            Kind::VirtualService | Kind::DestinationRule | Kind::ServiceEntry | Kind::Gateway => {
                "networking.istio.io"
            }
            Kind::Service | Kind::Namespace | Kind::PodTemplate => "",
            Kind::Deployment | Kind::ReplicaSet => "apps",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Rollout => "Rollout",
            Kind::VirtualService => "VirtualService",
            Kind::DestinationRule => "DestinationRule",
            Kind::Service => "Service",
            Kind::ServiceEntry => "ServiceEntry",
            Kind::Gateway => "Gateway",
            Kind::Namespace => "Namespace",
            Kind::Deployment => "Deployment",
            Kind::ReplicaSet => "ReplicaSet",
            Kind::PodTemplate => "PodTemplate",
        }
    }

    /// Whether writes of the kind are admitted by us; the others are only read.
    pub fn is_guarded(self) -> bool {
        matches!(
            self,
            Kind::Rollout | Kind::VirtualService | Kind::DestinationRule | Kind::Service
        )
    }
}

impl Key {
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// `namespace/name`, or the name alone where there is no namespace.
    pub fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.name.to_string()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `Rollout ns/name`, as messages name an object.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.full_name())
    }
}
