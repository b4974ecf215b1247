//! The stories. Each file lists its own in `STORIES`; ALL lists the files.

mod admitted;
mod apply_order;
mod argocd;
mod audit;
mod baseline;
mod blue_green;
mod break_glass;
mod callers;
mod cert_manager;
mod chart;
mod deletion;
mod doctor;
mod dry_run;
mod faults;
mod field_names;
mod flux;
mod guarded;
mod host_level;
mod istiod;
mod latency;
mod measured_table;
mod migration;
pub mod one_release;
mod outputs;
mod own_rights;
mod pictures;
mod plain_istio;
mod profiles;
mod prometheus;
mod recorder;
mod reports;
mod rollback;
mod shared_ownership;
mod subset_level;
mod tenants;
mod tree;
mod under_load;
mod unlisted_controller;
mod without_istio;
mod zero_flap;

use crate::story::Story;

// One line each, for readability.
#[rustfmt::skip]
pub const ALL: &[&[Story]] = &[
    admitted::STORIES,
    apply_order::STORIES,
    audit::STORIES,
    baseline::STORIES,
    blue_green::STORIES,
    break_glass::STORIES,
    callers::STORIES,
    chart::STORIES,
    deletion::STORIES,
    doctor::STORIES,
    dry_run::STORIES,
    faults::STORIES,
    field_names::STORIES,
    guarded::STORIES,
    host_level::STORIES,
    measured_table::HELM,
    measured_table::DENIED,
    measured_table::KEPT,
    migration::STORIES,
    one_release::STORIES,
    own_rights::STORIES,
    outputs::STORIES,
    pictures::STORIES,
    plain_istio::STORIES,
    profiles::STORIES,
    recorder::STORIES,
    reports::STORIES,
    rollback::STORIES,
    shared_ownership::STORIES,
    subset_level::STORIES,
    tenants::STORIES,
    tree::STORIES,
    unlisted_controller::STORIES,
    without_istio::STORIES,
    latency::STORIES,
    under_load::STORIES,
    zero_flap::STORIES,
];

/// Stories that need the tools of `tests/e2e/build --neighbours`.
#[rustfmt::skip]
pub const NEIGHBOURS: &[&[Story]] = &[
    argocd::SELF_HEAL,
    argocd::COMMITS,
    cert_manager::STORIES,
    flux::STORIES,
    istiod::STORIES,
    prometheus::STORIES,
];
