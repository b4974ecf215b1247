//! A Pod's network namespace and root folder, which contains what the image contains: the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{NODE_ADDRESS, Shared};
use crate::network::{GATEWAY, ip, run};

pub struct Sandbox {
    pub address: String,
    pub root: PathBuf,
    /// The name of its network namespace; `None` with `hostNetwork`.
    network: Option<String>,
}

impl Sandbox {
    pub fn new(shared: &Shared, pod: &Pod) -> Self {
        let root = shared
            .state
            .join(pod.uid().unwrap_or_default())
            .join("root");
        lay_out(&root, &shared.binary);
        let spec = pod.spec.as_ref();
        if spec.is_some_and(|spec| spec.host_network == Some(true)) {
            return Self {
                address: NODE_ADDRESS.to_owned(),
                root,
                network: None,
            };
        }
        let address = shared.next_address();
        let network = Some(connect(&address));
        Self {
            address,
            root,
            network,
        }
    }

    /// A command that waits for the arguments of `chroot`: options, the root folder, the command in it.
    pub fn enter(&self) -> Command {
        // Absolute paths, because the environment of the command has no `PATH`.
        let chroot = tool("chroot");
        let Some(network) = &self.network else {
            return Command::new(chroot);
        };
        let mut command = Command::new(tool("ip"));
        command.args(["netns", "exec", network]).arg(chroot);
        command
    }

    /// The kernel removes its pair of interfaces with the namespace.
    pub fn remove(&self) {
        if let Some(network) = &self.network {
            ip(&format!("netns delete {network}"));
        }
        run(Command::new("umount")
            .args(["--recursive", "--lazy"])
            .arg(&self.root));
    }
}

/// Creates a network namespace on the bridge; returns its name.
fn connect(address: &str) -> String {
    let number = address.trim_start_matches("10.244.").replace('.', "-");
    let (network, cable) = (format!("pod-{number}"), format!("veth-{number}"));
    ip(&format!("netns add {network}"));
    ip(&format!(
        "link add {cable} type veth peer name eth0 netns {network}"
    ));
    ip(&format!("link set {cable} master pods up"));
    ip(&format!("-n {network} link set lo up"));
    ip(&format!("-n {network} addr add {address}/16 dev eth0"));
    ip(&format!("-n {network} link set eth0 up"));
    ip(&format!("-n {network} route add default via {GATEWAY}"));
    network
}

/// The root folder is a mount of its own, so that one unmount removes everything that is mounted in it.
fn lay_out(root: &Path, binary: &Path) {
    std::fs::create_dir_all(root).expect("the state folder can be written");
    run(Command::new("mount")
        .args(["-t", "tmpfs", "-o", "mode=755", "tmpfs"])
        .arg(root));
    std::fs::write(root.join("rollout-guard"), "").expect("a file to mount on");
    bind(binary, &root.join("rollout-guard"));
    for folder in ["etc", "proc", "dev"] {
        std::fs::create_dir(root.join(folder)).expect("a folder in the root");
    }
    bind(Path::new("/proc"), &root.join("proc"));
    bind(Path::new("/dev"), &root.join("dev"));
    let hosts = "127.0.0.1 localhost\n10.96.0.1 kubernetes.default.svc\n";
    std::fs::write(root.join("etc/hosts"), hosts).expect("a file in the root");
    if is_dynamic(binary) {
        // Only a static binary runs on an empty root, as in the image. A dynamic one gets its libraries.
        for library in ["/lib", "/lib64", "/usr/lib"].map(Path::new) {
            if library.exists() {
                let inside = root.join(library.strip_prefix("/").expect("a path from the root"));
                std::fs::create_dir_all(&inside).expect("a folder in the root");
                bind(library, &inside);
            }
        }
    }
}

/// Whether the binary names a loader, which is near its beginning.
fn is_dynamic(binary: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let file =
        std::fs::File::open(binary).unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    file.take(4096)
        .read_to_end(&mut head)
        .expect("a binary can be read");
    head.windows(LOADER.len()).any(|window| window == LOADER)
}

pub fn bind(from: &Path, to: &Path) {
    run(Command::new("mount").arg("--bind").arg(from).arg(to));
}

/// The path of a tool on this machine.
fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("`{name}` is missing"))
}

const LOADER: &[u8] = b"ld-linux";
