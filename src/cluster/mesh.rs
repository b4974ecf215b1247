//! What is true of the whole cluster: its domain, Istio's root namespace, the controller's version.

use std::fmt;

/// Facts that resolution and some rules depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// `cluster.local` unless the cluster says otherwise.
    pub domain: String,
    /// Where Istio's mesh-wide rules are: `istio-system`.
    pub root_namespace: String,
    /// The Rollouts controller's version; rules that mirror its bugs depend on it.
    pub argo_version: ArgoVersion,
    /// Istio's objects are in another cluster (argoproj/argo-rollouts#3303).
    pub remote_istio: bool,
    /// The objects are all there are: what is missing is an error, not a warning.
    pub complete: bool,
    /// The objects come from a watch, so that the absence of a kind means something.
    pub live: bool,
}

/// Major and minor version of the Rollouts controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArgoVersion(pub u32, pub u32);

impl ArgoVersion {
    /// The newest version whose behaviour the rules know.
    pub const NEWEST: ArgoVersion = ArgoVersion(1, 10);

    /// The first with `managedRoutes`, setHeaderRoute and setMirrorRoute.
    pub const MANAGED_ROUTES: ArgoVersion = ArgoVersion(1, 3);

    /// `1.9`, `v1.9` or `1.9.2`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Self(major, minor))
    }
}

impl fmt::Display for ArgoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            domain: "cluster.local".to_owned(),
            root_namespace: "istio-system".to_owned(),
            argo_version: ArgoVersion::NEWEST,
            remote_istio: false,
            complete: false,
            live: false,
        }
    }
}
