//! The findings of the audit as PolicyReports and Reports of OpenReports, with their real CRDs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::alone;
use crate::api::text;
use crate::bed::{ADMIN, Bed, poll};
use crate::command::Run;
use crate::folder::Folder;
use crate::guard::NAMESPACE;
use crate::release::SUBSET_LEVEL;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    alone!(a_finding_is_in_reports_until_it_is_repaired),
    alone!(a_new_leader_removes_what_is_stale_and_nothing_of_others),
    alone!(without_the_value_nothing_is_written),
];

fn a_finding_is_in_reports_until_it_is_repaired(bed: &Bed) {
    let world = with_reports(bed, "reports");
    let folder = with_a_finding(&world);
    for kind in KINDS {
        let report = until_reported(&world, kind);
        let uid = world.kubectl("get rollout app07 -o jsonpath={.metadata.uid}");
        let uid = uid.ok().stdout;
        assert_eq!(text(&report, "/scope/uid"), uid);
        assert_eq!(text(&report, "/metadata/ownerReferences/0/uid"), uid);
        assert_eq!(report["summary"]["fail"], 1, "{report:#}");
        let result = &report["results"][0];
        let fields = ["source", "policy", "rule", "result", "severity"];
        let fields = fields.map(|field| result[field].as_str().unwrap_or_default());
        let expected = ["rollout-guard", "route-not-found", "RG202", "fail", "high"];
        assert_eq!(fields, expected, "{report:#}");
        assert!(text(result, "/message").contains("`primry`"), "{result:#}");
    }
    // What people see who ask kubectl.
    let table = world.kubectl("get policyreports").ok();
    table.says("Rollout").says(REPORT);

    let before = KINDS.map(|kind| version(&world, kind));
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(KINDS.map(|kind| version(&world, kind)), before, "stable");

    folder.edit("rollout.yaml", "- primry", "- primary");
    folder.apply_file("rollout.yaml").ok();
    for kind in KINDS {
        until_gone(&world, kind);
    }
    // The garbage collector removes the report of a deleted object, also if the guard does not.
    world.kubectl("delete rollout app07").ok();
    folder.edit("rollout.yaml", "- primary", "- primry");
    folder.apply_file("rollout.yaml").ok();
    until_reported(&world, KINDS[0]);
    world.kubectl("delete rollout app07").ok();
    until_gone(&world, KINDS[0]);
}

fn a_new_leader_removes_what_is_stale_and_nothing_of_others(bed: &Bed) {
    let world = with_reports(bed, "reports-stale");
    with_a_finding(&world);
    until_reported(&world, KINDS[0]);
    let report = |name: &str, manager: &str| {
        let labels = json!({"app.kubernetes.io/managed-by": manager});
        let report = json!({"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
                            "metadata": {"name": name, "labels": labels}, "results": []});
        world.kubectl("create -f -").input(report).ok();
    };
    report("rollout-guard-rollout-gone", "rollout-guard");
    report("of-another-engine", "kyverno");
    world.kubectl("delete policyreport").arg(REPORT).ok();
    // The leader ends, and another one lists what there is.
    let guard = bed.guard();
    guard
        .kubectl("rollout restart deployment rollout-guard")
        .ok();
    guard
        .kubectl("rollout status deployment rollout-guard --timeout=120s")
        .ok();
    until_reported(&world, KINDS[0]);
    poll("the stale report is gone", TIMEOUT, &mut || {
        let names = world.kubectl("get policyreports -o name").ok().stdout;
        let stale = names.contains("rollout-guard-rollout-gone");
        if stale { Err(names) } else { Ok(()) }
    });
    world.kubectl("get policyreport of-another-engine").ok();

    // The policy narrows what RBAC cannot: the reports of others are not the guard's to delete.
    let delete = |name: &str| {
        let path = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/reports-stale/policyreports";
        let account = format!("--as=system:serviceaccount:{NAMESPACE}:rollout-guard");
        world.kubectl(&format!("delete {account} --raw {path}/{name}"))
    };
    let refused = "rollout-guard writes no reports but its own";
    delete("of-another-engine").fails().says(refused);
    delete(REPORT).ok();
}

fn without_the_value_nothing_is_written(bed: &Bed) {
    install_crds(bed);
    let world = World::new(bed, "reports-off");
    with_a_finding(&world);
    let series = r#"rollout_guard_findings{rule="RG202",severity="error",namespace="reports-off"}"#;
    super::audit::until_counted(bed, series, &["1"]);
    std::thread::sleep(Duration::from_secs(12));
    for kind in KINDS {
        assert_eq!(
            world.kubectl(&format!("get {kind} -o name")).ok().stdout,
            ""
        );
        let can =
            format!("auth can-i patch {kind} --as=system:serviceaccount:{NAMESPACE}:rollout-guard");
        world.kubectl(&can).fails();
    }
}

/// A namespace, and the guard with reports.
fn with_reports<'a>(bed: &'a Bed, namespace: &str) -> World<'a> {
    install_crds(bed);
    let world = World::new(bed, namespace);
    bed.guard()
        .install(&["profile=guard", "policyReports.enabled=true"]);
    world
}

fn install_crds(bed: &Bed) {
    let folder = std::fs::canonicalize(bed.layout.tool("report-crds"));
    let folder = folder.expect("tests/e2e/build creates the folder");
    let kubectl = |words: &str| Run::kubectl(&bed.layout, ADMIN, "default", words);
    kubectl("apply --server-side -f").arg(folder).ok();
    kubectl("wait --for=condition=Established crd/policyreports.wgpolicyk8s.io crd/reports.openreports.io").ok();
}

/// A Rollout with a route that does not exist, which is allowed on CREATE.
fn with_a_finding<'w>(world: &'w World<'_>) -> Folder<'w> {
    let folder = world.folder(SUBSET_LEVEL.folder);
    folder.edit("rollout.yaml", "- primary", "- primry");
    folder.apply().ok();
    folder
}

fn until_reported(world: &World, kind: &str) -> Value {
    poll(&format!("{REPORT} in {kind}"), TIMEOUT, &mut || {
        let found = world.kubectl(&format!("get {kind} {REPORT} -o json")).run();
        serde_json::from_str(&found.stdout).map_err(|_| found.stderr)
    })
}

fn until_gone(world: &World, kind: &str) {
    poll(&format!("no {kind}"), TIMEOUT, &mut || {
        let names = world.kubectl(&format!("get {kind} -o name")).ok().stdout;
        if names.is_empty() { Ok(()) } else { Err(names) }
    });
}

fn version(world: &World, kind: &str) -> String {
    let version = "-o jsonpath={.metadata.resourceVersion}";
    world
        .kubectl(&format!("get {kind} {REPORT} {version}"))
        .ok()
        .stdout
}

const KINDS: [&str; 2] = ["policyreports.wgpolicyk8s.io", "reports.openreports.io"];
const REPORT: &str = "rollout-guard-rollout-app07";
const TIMEOUT: Duration = Duration::from_secs(90);
