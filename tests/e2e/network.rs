//! The network and mounts of the test bed, in namespaces of its own. The machine's network does not change, several
//! test beds can run in parallel, and when the harness ends, the kernel ends every process in them.
//!
//! 10.95.0.1 is the machine. 10.96.0.0/16 are the ClusterIPs (all local: `services` answers on them). 10.244.0.0/16
//! are the Pods that run as processes, each in a network namespace of its own on the bridge `pods`.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Re-executes the harness in its own namespaces, and returns only there.
pub fn isolate() {
    if std::env::var_os(INSIDE).is_some() {
        return set_up();
    }
    let this = std::env::current_exe().expect("the harness knows its own file");
    let error = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .arg(this)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    panic!("cannot run `unshare` of util-linux: {error}; tests/e2e/run names what is missing");
}

fn set_up() {
    ip("link set lo up");
    ip(&format!("addr add {HOST}/32 dev lo"));
    ip(&format!("route add local {SERVICES} dev lo"));
    // A fixed address: otherwise the bridge changes its address whenever a Pod's interface is added or removed, and
    // responses of the other Pods are lost for seconds.
    ip("link add pods address 02:00:00:00:00:01 type bridge");
    ip(&format!("addr add {GATEWAY}/16 dev pods"));
    ip("link set pods up");
    std::fs::create_dir_all("/run/netns").expect("/run can be written");
    run(Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run/netns"]));
}

/// Runs `ip` of iproute2.
pub fn ip(words: &str) {
    run(Command::new("ip").args(words.split_whitespace()));
}

/// Runs a command that must succeed, and returns what it prints.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The address of the API server.
pub const HOST: &str = "10.95.0.1";
pub const SERVICES: &str = "10.96.0.0/16";
/// The bridge's address, the default gateway of each Pod.
pub const GATEWAY: &str = "10.244.0.1";
const INSIDE: &str = "ROLLOUT_GUARD_E2E_ISOLATED";
