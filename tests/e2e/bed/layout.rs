//! Paths of tools, state and logs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use rollout_guard::cluster::ArgoVersion;

pub struct Layout {
    /// The checkout.
    pub root: PathBuf,
    /// The tools that `tests/e2e/build` built, and `crds.txt`.
    pub tools: PathBuf,
    /// Keys, etcd's data, kubeconfigs: in memory, deleted with the test bed.
    pub state: PathBuf,
    /// The logs of this run. Those of the last runs are kept.
    pub logs: PathBuf,
}

impl Layout {
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let e2e = folder("CARGO_TARGET_DIR")
            .unwrap_or_else(|| root.join("target"))
            .join("e2e");
        let tools = folder("KUBEBUILDER_ASSETS").unwrap_or_else(|| e2e.join("tools"));
        assert!(
            tools.join("crds.txt").is_file(),
            "{}: no tools; run tests/e2e/build",
            tools.display()
        );
        let state = e2e.join("state");
        std::fs::create_dir_all(&state).expect("the target folder can be written");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "tmpfs"])
            .arg(&state)
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "mount tmpfs on {}",
            state.display()
        );
        let logs = fresh(&e2e.join("logs"));
        Self {
            root,
            tools,
            state,
            logs,
        }
    }

    pub fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// The path of a state file, as an argument.
    pub fn state(&self, name: &str) -> String {
        self.state.join(name).to_string_lossy().into_owned()
    }

    /// The files with the CRDs of Istio and Argo.
    pub fn crds(&self) -> Vec<PathBuf> {
        self.listed("crds.txt")
    }

    /// The files with the CRDs of Rollouts in older versions, oldest first.
    pub fn older_crds(&self) -> Vec<PathBuf> {
        self.listed("older-crds.txt")
    }

    fn listed(&self, name: &str) -> Vec<PathBuf> {
        let list = std::fs::read_to_string(self.tool(name)).expect("a list of tests/e2e/build");
        list.lines().map(PathBuf::from).collect()
    }

    /// The version of `kubernetes` or `argo-rollouts`, with a `v`.
    pub fn version(&self, of: &str) -> String {
        let versions = std::fs::read_to_string(self.tool("versions.txt")).expect("versions.txt");
        let mut lines = versions.lines().filter_map(|line| line.split_once(' '));
        let found = lines.find(|(name, _)| *name == of);
        found.expect("one of the two").1.to_owned()
    }

    /// The version of the Rollouts controller, as settings have it.
    pub fn argo_version(&self) -> ArgoVersion {
        ArgoVersion::parse(&self.version("argo-rollouts")).expect("a version")
    }

    /// Where stories install plugins of `kubectl`.
    pub fn plugins(&self) -> PathBuf {
        self.state.join("plugins")
    }

    /// `PATH`: the tools and their plugins, then the system's own.
    pub fn path(&self) -> OsString {
        let system = [
            Path::new("/usr/local/bin"),
            Path::new("/usr/bin"),
            Path::new("/bin"),
        ];
        let plugins = self.plugins();
        let all = [self.tools.as_path(), &plugins].into_iter().chain(system);
        std::env::join_paths(all).expect("no colon in the tools' path")
    }

    pub fn print_logs(&self) {
        let mut files: Vec<PathBuf> = entries(&self.logs);
        files.retain(|file| file.extension().is_some_and(|end| end == "log"));
        for file in files {
            let text = std::fs::read(&file).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().filter(|line| !line.contains(NOISE)).collect();
            let tail = &lines[lines.len().saturating_sub(TAIL)..];
            eprintln!("\n== {} (the last {})", file.display(), tail.len());
            for line in tail {
                eprintln!("{}", line.get(..WIDTH).unwrap_or(line));
            }
        }
        eprintln!("\ne2e: logs are in {}", self.logs.display());
    }
}

fn folder(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
    let path = std::path::absolute(PathBuf::from(value));
    Some(path.expect("the current folder exists"))
}

/// Creates a folder in `all` and deletes the oldest ones.
fn fresh(all: &Path) -> PathBuf {
    std::fs::create_dir_all(all).expect("the target folder can be written");
    let mut old: Vec<PathBuf> = entries(all);
    old.retain(|path| path.is_dir() && !path.is_symlink());
    while old.len() >= KEPT {
        std::fs::remove_dir_all(old.remove(0)).ok();
    }
    let name = k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%S%3f")
        .to_string();
    let logs = all.join(&name);
    std::fs::create_dir(&logs).expect("no other run began in this millisecond");
    let latest = all.join("latest");
    std::fs::remove_file(&latest).ok();
    std::os::unix::fs::symlink(name, latest).ok();
    logs
}

/// The entries of a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The number of lines that a failed run prints of each log.
const TAIL: usize = 15;
const WIDTH: usize = 400;
/// kube-apiserver closes connections to etcd that it no longer needs, and warns about it.
const NOISE: &str = "addrConn.createTransport";
/// The number of runs whose logs are kept.
const KEPT: usize = 10;
