//! The stories. Each file lists its own in `STORIES`; ALL lists the files.

mod admitted;
mod apply_order;
mod argo_versions;
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
const ALL: &[&[Story]] = &[
    admitted::STORIES,
    apply_order::STORIES,
    argo_versions::STORIES,
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
const NEIGHBOURS: &[&[Story]] = &[
    argocd::SELF_HEAL,
    argocd::COMMITS,
    cert_manager::STORIES,
    argocd::DELETION,
    flux::STORIES,
    istiod::STORIES,
    prometheus::STORIES,
];

/// The stories of each column of docs/compatibility.md, besides those of `argo_versions`: a release from end to end, what
/// is denied and what is kept, and the chart with what it needs of the API server.
const EACH_VERSION: &[&str] = &[
    "baseline::an_unchanged_apply_wipes_weights_and_hashes",
    "guarded::an_unchanged_apply_keeps_weights_and_hashes",
    "guarded::deleting_a_route_during_a_canary_is_denied",
    "subset_level::from_install_through_set_image_to_promotion",
    "subset_level::abort_then_retry_then_undo",
    "host_level::from_install_through_set_image_to_promotion",
    "host_level::everything_applied_again_during_a_canary",
    "shared_ownership::one_manager_applies_server_side",
    "doctor::it_sees_the_guard_and_what_others_add",
    "own_rights::its_account_changes_only_the_ca_bundle",
    "chart::helm_test_sees_an_invalid_object_denied",
    "chart::it_fails_closed_and_a_namespace_can_be_deleted",
    "chart::an_uninstall_leaves_nothing",
];

/// All stories; those of neighbours only if `--neighbours` was given.
pub fn all(neighbours: bool) -> Vec<Story> {
    let mut all = ALL.concat();
    if neighbours {
        all.extend(NEIGHBOURS.concat());
    }
    all
}

/// The stories that `--versions` runs with each version.
pub fn of_each_version() -> Vec<Story> {
    let all = ALL.concat();
    let named = |title: &&str| {
        let found = all.iter().find(|story| story.title() == *title);
        *found.unwrap_or_else(|| panic!("there is no story {title}"))
    };
    let mut stories: Vec<Story> = EACH_VERSION.iter().map(named).collect();
    stories.extend(argo_versions::STORIES);
    stories
}
