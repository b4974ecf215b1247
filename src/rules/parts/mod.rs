//! What several rules share: how messages and subjects name things, which names are valid, how labels and
//! references compare. No rule is here.

pub(super) mod hidden_subset;
pub(super) mod host_set;
pub(super) mod istio_names;
pub(super) mod kubernetes_labels;
pub(super) mod named_path;
pub(super) mod names;
pub(super) mod narrowed_hosts;
pub(super) mod pods;
pub(super) mod reference_changes;
pub(super) mod role_destinations;
pub(super) mod route_identity;
pub(super) mod suggest;
pub(super) mod target;
pub(super) mod unweighted;
