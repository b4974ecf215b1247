//! Settings of the whole cluster: its domain, Istio's root namespace, the version of the controller.

use super::argo::ArgoVersion;

/// Settings that references and some rules depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// The DNS domain of Services, such as `cluster.local`.
    pub domain: String,
    /// The namespace whose DestinationRules apply to all, such as `istio-system`.
    pub root_namespace: String,
    /// The Rollouts controller's version, whose behaviour references, roles and rules mirror.
    pub argo_version: ArgoVersion,
    /// The field manager that the controller writes as.
    pub controller_manager: String,
    /// A Rollout may name a VirtualService of another namespace only if that namespace consents.
    pub needs_consent: bool,
    /// Istio's objects are in another cluster (argoproj/argo-rollouts#3303).
    pub remote_istio: bool,
    /// The objects are complete: a missing one is an error, not a warning.
    pub complete: bool,
    /// The objects come from a watch: a kind without objects has none in the cluster.
    pub live: bool,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            domain: "cluster.local".to_owned(),
            root_namespace: "istio-system".to_owned(),
            argo_version: ArgoVersion::NEWEST,
            controller_manager: "rollouts-controller".to_owned(),
            needs_consent: false,
            remote_istio: false,
            complete: false,
            live: false,
        }
    }
}
