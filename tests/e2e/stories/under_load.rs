//! Faults under load, and recovery without help: no good write is denied meanwhile, and afterwards all bad writes
//! are denied and all values kept again. These stories run alone.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use crate::alone;
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::flow::{FLOWS, start_canaries};
use crate::load::Load;
use crate::reapply;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    alone!(killed_replicas_come_back),
    alone!(the_api_server_is_killed_and_etcd_is_paused),
    alone!(watches_are_cut),
    alone!(certificates_are_rotated),
    alone!(istio_crds_are_deleted_and_created),
    alone!(replicas_have_different_settings),
    alone!(the_audit_finds_what_was_stored_without_the_guard),
];

fn killed_replicas_come_back(bed: &Bed) {
    under_load(bed, "load-kill", |load| {
        load.during_fault("a replica killed", RECOVERY, || {
            bed.guard().restarted(1, |processes| processes[0].kill());
        });
        let report = load.during_fault("all replicas killed", RECOVERY, || {
            bed.guard().restarted(3, kill_all);
        });
        assert!(report.unguarded > 0, "no pod answered");
    });
}

fn the_api_server_is_killed_and_etcd_is_paused(bed: &Bed) {
    under_load(bed, "load-api-server", |load| {
        load.during_fault("the API server killed", SLOW_RECOVERY, || {
            bed.api_server.kill();
            bed.restart_api_server();
        });
        load.during_fault("etcd paused for 5 s", SLOW_RECOVERY, || {
            bed.etcd.pause();
            std::thread::sleep(Duration::from_secs(5));
            bed.etcd.resume();
        });
    });
}

fn watches_are_cut(bed: &Bed) {
    under_load(bed, "load-watches", |load| {
        let report = load.during_fault("watches cut", RECOVERY, || {
            for _ in 0..5 {
                let cut = bed.services.cut("default", "kubernetes");
                assert!(cut > 0, "the guard has no connection to the API server");
                std::thread::sleep(Duration::from_millis(700));
            }
        });
        assert_eq!(report.broken(), NOTHING, "calls are not broken");
    });
}

/// Serving certificates and CAs that live for seconds: the API server trusts each of them in time.
fn certificates_are_rotated(bed: &Bed) {
    let world = World::new(bed, "load-rotation");
    bed.guard().install(&[
        "profile=guard",
        "certificates.selfManaged.certLifetime=30s",
        "certificates.selfManaged.caLifetime=60s",
    ]);
    start_canaries(&world);
    Load::on(&world, |load| {
        let report = load.during_fault("certificates rotated", RECOVERY, || {
            until_rotated(bed, if bed.long { 4 } else { 1 });
        });
        assert_eq!(report.broken(), NOTHING);
        assert!(report.unguarded <= report.failed_open.len());
    });
    bed.guard().ensure();
    until_certificates_last(bed);
}

fn istio_crds_are_deleted_and_created(bed: &Bed) {
    let world = World::new(bed, "load-crds");
    start_canaries(&world);
    Load::on(&world, |load| {
        load.during_fault("CRDs deleted and created again", SLOW_RECOVERY, || {
            world
                .kubectl(&format!("delete crd {KINDS} --timeout=60s"))
                .ok();
            // Deletes of the objects that still exist are denied.
            let create = format!("create -f {}", bed.layout.crds()[0].display());
            world.kubectl(&create).run();
            let wait = format!("wait --for=condition=Established crd {KINDS} --timeout=30s");
            world.kubectl(&wait).ok();
            // The Rollouts still exist; their files would be a rollback.
            for manifest in reapply::manifests(&world, FLOWS) {
                world.kubectl("apply -f -").input(manifest).ok();
            }
            world.until_weights("app07", "primary", &[5, 95]);
            world.until_weights("shop", "primary", &[95, 5]);
            load.learn();
        });
    });
}

/// One replica with profile `observe` and two with `guard`: the first allows what it reviews, and no good write is
/// denied.
fn replicas_have_different_settings(bed: &Bed) {
    let set = |profile: &str| {
        let settings = bed
            .guard()
            .kubectl("get configmap rollout-guard -o jsonpath={.data.config\\.yaml}");
        let settings = settings.ok().stdout;
        let [guard, observe] = ["profile: guard", "profile: observe"];
        let settings = settings.replace(guard, profile).replace(observe, profile);
        assert!(settings.contains(profile), "{settings}");
        let patch = json!({"data": {"config.yaml": settings}});
        let patched = bed
            .guard()
            .kubectl("patch configmap rollout-guard --type=merge -p");
        patched.arg(patch.to_string()).ok();
        // The kubelet updates volumes once a second; settings are read at start.
        std::thread::sleep(Duration::from_secs(2));
        bed.guard().restarted(1, |processes| processes[0].kill());
    };
    under_load(bed, "load-settings", |load| {
        let report = load.during_fault("two settings", RECOVERY, || {
            set("profile: observe");
            for _ in 0..12 {
                // The API server keeps one connection, and so one replica, as long as it can.
                bed.services.cut("rollout-guard", "rollout-guard");
                std::thread::sleep(Duration::from_millis(500));
            }
            set("profile: guard");
        });
        assert!(
            report.unguarded > 0,
            "the observing replica was never called"
        );
        assert!(report.denied > 0, "the guarding replicas were never called");
    });
    bed.guard().recreate_config_map();
}

fn the_audit_finds_what_was_stored_without_the_guard(bed: &Bed) {
    let world = World::new(bed, "load-audit");
    world.apply("examples/subset-level");
    world.until_phase("app07", "Healthy");
    let rename = |name: &str| {
        let patch = json!([{"op": "replace", "path": "/spec/http/0/name", "value": name}]);
        let patched = world.kubectl("patch virtualservice virtservice-app07 --type=json -p");
        patched.arg(patch.to_string())
    };
    rename("main").fails().says("[rollout-guard RG202]");
    bed.guard().restarted(3, |processes| {
        kill_all(processes);
        rename("main").ok();
    });

    let found = || {
        let metrics = bed.guard().metrics();
        let lines = metrics.iter().flat_map(|(_, text)| text.lines());
        let mut of = lines.filter(|line| {
            line.starts_with("rollout_guard_findings{") && line.contains("\"load-audit\"")
        });
        let found = of.find(|line| line.contains("\"RG202\""));
        found
            .filter(|line| !line.ends_with(" 0"))
            .map(str::to_owned)
    };
    poll("RG202 in the leader's metrics", AUDIT_RECOVERY, &mut || {
        found().ok_or_else(|| "no such finding".to_owned())
    });
    poll("an Event on the Rollout", AUDIT_RECOVERY, &mut || {
        let events = world.kubectl("events --for rollout/app07").run();
        if events.stdout.contains("RG202") {
            Ok(())
        } else {
            Err(events.to_string())
        }
    });
    let binary = bed.kubelet.binary().to_string_lossy();
    let check = world.as_user(ADMIN, &binary, "check --cluster --kubeconfig");
    let kubeconfig = bed.layout.kubeconfig(ADMIN, &world.namespace);
    check
        .arg(kubeconfig)
        .fails()
        .says("RG202")
        .says("virtservice-app07");

    rename("primary").ok();
    poll("the finding to disappear", AUDIT_RECOVERY, &mut || {
        found().map_or(Ok(()), Err)
    });
}

fn under_load(bed: &Bed, namespace: &str, story: impl FnOnce(&Load)) {
    let world = World::new(bed, namespace);
    start_canaries(&world);
    Load::on(&world, story);
    bed.guard().never_panicked();
}

fn kill_all(processes: Vec<Arc<Process>>) {
    for process in processes {
        process.kill();
    }
}

/// Waits until the leader has created this many more CAs, and at least one certificate after each.
fn until_rotated(bed: &Bed, authorities: u64) {
    let made = |what: &str| -> u64 {
        let metrics = bed.guard().metrics();
        let label = format!("rollout_guard_certificate_rotations_total{{made=\"{what}\"}} ");
        let lines = metrics.iter().flat_map(|(_, text)| text.lines());
        let counts = lines.filter_map(|line| line.strip_prefix(&label)?.parse::<u64>().ok());
        counts.sum()
    };
    let (ca, serving) = (made("ca") + authorities, made("serving") + 3 * authorities);
    poll("rotations", Duration::from_mins(5), &mut || {
        let now = (made("ca"), made("serving"));
        if now.0 >= ca && now.1 >= serving {
            Ok(())
        } else {
            Err(format!("{now:?} CAs and certificates"))
        }
    });
}

/// The next story must not start with a certificate that lives for seconds only.
fn until_certificates_last(bed: &Bed) {
    poll("certificates that last", SLOW_RECOVERY * 3, &mut || {
        let metrics = bed.guard().metrics();
        let soon = Timestamp::now().as_second() + 600;
        let lasts = |text: &String| {
            let expiry = text.lines().find_map(|line| line.strip_prefix(EXPIRY));
            expiry.and_then(|at| at.trim().parse::<i64>().ok()) > Some(soon)
        };
        if metrics.iter().all(|(_, text)| lasts(text)) {
            Ok(())
        } else {
            Err("one of them does not".to_owned())
        }
    });
}

const EXPIRY: &str = "rollout_guard_certificate_expiry_timestamp_seconds ";
const KINDS: &str = "virtualservices.networking.istio.io destinationrules.networking.istio.io";
const NOTHING: [&str; 0] = [];
/// The time in which rollout-guard must be correct again.
const RECOVERY: Duration = Duration::from_secs(10);
const SLOW_RECOVERY: Duration = Duration::from_secs(20);
/// The Lease of a killed leader expires after 15 s.
const AUDIT_RECOVERY: Duration = Duration::from_secs(40);
