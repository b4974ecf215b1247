//! The binary, serving on loopback ports that the system chooses.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::{Client, Protocol};

/// A started `rollout-guard serve`; killed when dropped.
pub struct Server {
    pub https: SocketAddr,
    pub admin: SocketAddr,
    child: Child,
    ca: PathBuf,
    /// What it writes to standard error after its first line.
    log: Mutex<Receiver<String>>,
    /// Holds the CA.
    _folder: TempDir,
}

impl Server {
    /// Serves by manifests, with a certificate of its own making.
    pub fn start(manifests: &Path) -> Self {
        Self::with(manifests, &[])
    }

    /// Serves by manifests with more flags.
    pub fn with(manifests: &Path, flags: &[&str]) -> Self {
        let manifests = manifests.to_str().expect("a path in UTF-8");
        Self::launch(&[&["--manifests", manifests], flags].concat())
    }

    /// Serves by a live cluster.
    pub fn of_cluster(kubeconfig: &Path) -> Self {
        Self::of_cluster_with(kubeconfig, &[])
    }

    /// Serves by a live cluster with more flags.
    pub fn of_cluster_with(kubeconfig: &Path, flags: &[&str]) -> Self {
        let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
        Self::launch(&[&["--kubeconfig", kubeconfig], flags].concat())
    }

    fn launch(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollout-guard"));
        command.args(["serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"]);
        command.args(flags);
        if !flags.contains(&"--tls-cert") {
            command.arg("--ca-file").arg(&ca);
        }
        command
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut child = command.spawn().expect("the server starts");
        let (line, log) = channel();
        let lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        std::thread::spawn(move || {
            for text in lines.map_while(Result::ok) {
                let _ = line.send(text);
            }
        });
        let Some(addresses) = addresses(&log) else {
            let _ = child.kill();
            panic!("the server does not say where it is");
        };
        Self {
            https: addresses.0,
            admin: addresses.1,
            child,
            ca,
            log: Mutex::new(log),
            _folder: folder,
        }
    }

    /// Sends a body over HTTPS: the status and the body of the answer. `endpoint` is `validate` or `mutate`.
    pub fn post(&self, endpoint: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let path = format!("/{endpoint}?timeout=10s");
        self.client(Protocol::Http2).post(&path, body)
    }

    /// A client that trusts the CA that the server wrote.
    pub fn client(&self, protocol: Protocol) -> Client {
        let ca = std::fs::read(&self.ca).expect("the CA is written");
        Client::new(self.https, &[&ca], protocol)
    }

    /// The status and text of a page of the admin port.
    pub fn get(&self, path: &str) -> (u16, String) {
        super::client::get(self.admin, path)
    }

    /// The value of a metric, 0 where it has none yet.
    pub fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.get("/metrics");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().expect("a number"))
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("a shell").success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().try_iter().collect()
    }
}

/// Where the server says it is, in the one line with both addresses.
fn addresses(log: &Receiver<String>) -> Option<(SocketAddr, SocketAddr)> {
    loop {
        let line = log.recv_timeout(PATIENCE).ok()?;
        let address = |scheme| {
            let after = line.split(scheme).nth(1)?;
            after[..after.find('"')?].parse().ok()
        };
        if let (Some(https), Some(admin)) = (address("https://"), address("http://")) {
            return Some((https, admin));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what takes the server a second or two.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} does not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
