//! The key of an object.

use std::fmt;
use std::sync::Arc;

use super::kind::Kind;

/// What names one object in a cluster. Cluster-scoped objects have an empty namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The kind, in any of its versions.
    pub kind: Kind,
    /// Empty for kinds without namespaces.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
}

impl Key {
    /// Copies both texts; clones of the key share them.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: shared(namespace),
            name: shared(name),
        }
    }

    /// The key of another object in the namespace of this one.
    #[must_use]
    pub fn beside(&self, kind: Kind, name: &str) -> Self {
        Self {
            kind,
            namespace: Arc::clone(&self.namespace),
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

/// The empty text takes no memory.
fn shared(text: &str) -> Arc<str> {
    if text.is_empty() {
        Arc::default()
    } else {
        text.into()
    }
}

/// `Rollout ns/name`, as messages name an object.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.full_name())
    }
}
