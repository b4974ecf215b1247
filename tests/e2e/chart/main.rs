//! What the chart renders to with Helm 4 and Helm 3, for each scenario of its `ci/`. Needs the Helms that
//! `tests/e2e/build` builds, and no cluster: `cargo test --features e2e --test chart`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods
)]

mod certificates;
mod helm;
mod own_rights;
mod pods;
mod rbac;
mod rendered;
mod values;
mod webhooks;

use std::path::PathBuf;

use helm::Helm;

/// The folder of the links that `tests/e2e/build` creates.
fn tools() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    assets.unwrap_or_else(|| target.join("e2e/tools"))
}

/// One test of each name for each Helm.
macro_rules! by_both {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod helm4 {
            $(#[test] fn $name() { super::$module::$name(&super::Helm::at(&super::tools().join("helm"))); })*
        }
        mod helm3 {
            $(#[test] fn $name() { super::$module::$name(&super::Helm::at(&super::tools().join("helm3"))); })*
        }
    };
}

by_both!(
    values::every_scenario_is_linted_and_rendered,
    values::the_image_must_be_set,
    values::unknown_keys_are_rejected,
    values::old_clusters_are_rejected,
    values::settings_are_what_the_binary_reads,
    values::the_notes_say_how_to_enforce,
    values::names_follow_the_release,
    values::common_labels_and_annotations_are_everywhere,
    webhooks::webhook_rules_come_from_the_catalogue,
    webhooks::names_are_unique_and_qualified,
    webhooks::own_and_system_namespaces_are_not_guarded,
    webhooks::the_controller_is_not_reviewed,
    webhooks::only_services_of_a_rollout_are_reviewed,
    webhooks::failing_closed_blocks_no_deletion,
    webhooks::options_are_those_of_the_values,
    rbac::reads_only_what_rules_read,
    rbac::writes_only_its_own_objects,
    rbac::asks_for_rights_of_users_only_when_told_to,
    rbac::writes_reports_only_when_told_to,
    rbac::goes_with_the_release,
    rbac::the_self_test_leaves_nothing_behind,
    pods::arguments_are_those_of_the_binary,
    pods::pods_have_no_privileges_on_their_node,
    pods::selectors_match_their_pods,
    pods::the_webhook_is_where_the_configurations_say,
    pods::updates_leave_no_call_without_an_answer,
    pods::host_network_keeps_its_dns,
    pods::one_replica_blocks_no_drain,
    pods::all_values_are_used,
    pods::prometheus_finds_the_metrics,
    pods::the_dashboard_asks_only_for_what_the_guard_and_the_api_server_have,
    own_rights::a_policy_narrows_the_account,
    own_rights::the_policy_names_the_objects_of_the_pods,
    own_rights::the_policy_is_rendered_where_it_is_served,
    own_rights::critical_pods_have_a_quota,
    own_rights::metrics_are_closed_until_a_scraper_is_named,
    own_rights::callers_can_be_held_to_a_certificate,
    own_rights::memory_is_bounded,
    certificates::the_pods_manage_their_own_certificates,
    certificates::cert_manager_issues_the_certificate,
    certificates::a_secret_is_mounted,
);

/// The Helms differ in blank lines and in the order of objects.
#[test]
fn both_helms_render_the_same() {
    let [four, three] = ["helm", "helm3"].map(|name| Helm::at(&tools().join(name)));
    for scenario in helm::scenarios() {
        let [four, three] = [&four, &three].map(|helm| {
            let mut objects = helm.render(&scenario).objects;
            objects
                .sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
            objects
        });
        for (ours, theirs) in four.iter().zip(&three) {
            assert_eq!(ours, theirs, "{scenario}");
        }
        assert_eq!(four.len(), three.len(), "{scenario}");
    }
}
