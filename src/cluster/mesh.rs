//! What is true of the whole cluster: its domain, Istio's root namespace, the controller's version.

use super::ArgoVersion;

/// Facts that resolution and some rules depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// `cluster.local` unless the cluster says otherwise.
    pub domain: String,
    /// Where Istio's mesh-wide rules are: `istio-system`.
    pub root_namespace: String,
    /// The Rollouts controller's version, whose behaviour references, roles and rules mirror.
    pub argo_version: ArgoVersion,
    /// Istio's objects are in another cluster (argoproj/argo-rollouts#3303).
    pub remote_istio: bool,
    /// The objects are all there are: what is missing is an error, not a warning.
    pub complete: bool,
    /// The objects come from a watch, so that the absence of a kind means something.
    pub live: bool,
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
