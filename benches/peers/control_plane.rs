//! An API server with etcd on loopback, in which everybody may do everything. It ends with the program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

/// A person who writes manifests.
pub const DEVELOPER: &str = "developer";

/// A process with a log of its own. It ends when this is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::create(log).expect("a log file");
        let errors = file.try_clone().expect("a log file");
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self { child }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub struct ControlPlane {
    tools: PathBuf,
    folder: tempfile::TempDir,
    pub api_server: Process,
    _etcd: Process,
    files: AtomicUsize,
}

impl ControlPlane {
    /// Starts it with the tools that `tests/e2e/build` built, and installs the CRDs of Istio and Argo.
    pub fn start() -> Self {
        let tools = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS").expect(
            "KUBEBUILDER_ASSETS, the folder with the tools of tests/e2e/build: use benches/peers/run",
        ));
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_credentials(folder.path());
        let etcd = etcd(&tools, folder.path());
        let api_server = api_server(&tools, folder.path());
        let started = Self {
            tools,
            folder,
            api_server,
            _etcd: etcd,
            files: AtomicUsize::new(0),
        };
        let ready = || started.kubectl(&["get", "--raw", "/readyz"]);
        poll("the API server", ready);
        let crds = std::fs::read_to_string(started.tools.join("crds.txt")).expect("crds.txt");
        for crd in crds.lines() {
            started.must(&["create", "-f", crd]);
        }
        started.established();
        started
    }

    /// Waits until all CRDs are served.
    pub fn established(&self) {
        let wait = ["wait", "--for=condition=Established", "crd", "--all"];
        self.must(&wait);
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(self.tools.join("kubectl"))
            .arg("--kubeconfig")
            .arg(self.file("kubeconfig"))
            .args(arguments)
            .output()
            .expect("kubectl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// A call of kubectl that has to succeed.
    pub fn must(&self, arguments: &[&str]) -> String {
        self.kubectl(arguments)
            .unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Applies objects as the server does it.
    pub fn apply(&self, objects: &[Value]) {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let file = self.file(&format!("objects-{number}.json"));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        std::fs::write(&file, list.to_string()).expect("a file");
        let file = file.to_string_lossy().into_owned();
        self.must(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
    }
}

/// Tries four times a second for a minute.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) if Instant::now() > end => panic!("waited for {what}; last: {why}"),
            Err(_) => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

fn etcd(tools: &Path, folder: &Path) -> Process {
    let mut command = Command::new(tools.join("etcd"));
    command.args([
        &format!("--data-dir={}", folder.join("etcd").display()),
        "--unsafe-no-fsync",
        "--listen-client-urls=http://127.0.0.1:22379",
        "--advertise-client-urls=http://127.0.0.1:22379",
        "--listen-peer-urls=http://127.0.0.1:22380",
        "--initial-advertise-peer-urls=http://127.0.0.1:22380",
        "--initial-cluster=default=http://127.0.0.1:22380",
        "--log-level=warn",
    ]);
    Process::start(&mut command, &folder.join("etcd.log"))
}

fn api_server(tools: &Path, folder: &Path) -> Process {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(tools.join("kube-apiserver"));
    command.args([
        "--etcd-servers=http://127.0.0.1:22379",
        "--bind-address=127.0.0.1",
        &format!("--secure-port={API_SERVER_PORT}"),
        "--service-cluster-ip-range=10.96.0.0/12",
        &format!("--tls-cert-file={}", path("tls.crt")),
        &format!("--tls-private-key-file={}", path("tls.key")),
        &format!("--cert-dir={}", path("certs")),
        "--service-account-issuer=https://kubernetes.default.svc",
        &format!(
            "--service-account-signing-key-file={}",
            path("accounts.key")
        ),
        &format!("--service-account-key-file={}", path("accounts.pub")),
        &format!("--token-auth-file={}", path("users.csv")),
        "--authorization-mode=AlwaysAllow",
        "--disable-admission-plugins=ServiceAccount",
    ]);
    Process::start(&mut command, &folder.join("kube-apiserver.log"))
}

/// A CA, the serving certificate of the API server and of all webhooks, the developer's token, a kubeconfig.
fn write_credentials(folder: &Path) {
    let save = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = || KeyPair::generate().expect("a key");
    let ca = CertifiedIssuer::self_signed(params, key()).expect("a CA");
    save("ca.crt", &ca.pem());
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let params = CertificateParams::new(names).expect("names");
    let serving = key();
    let certificate = params.signed_by(&serving, &ca).expect("a certificate");
    save("tls.crt", &certificate.pem());
    save("tls.key", &serving.serialize_pem());
    let accounts = key();
    save("accounts.key", &accounts.serialize_pem());
    save("accounts.pub", &accounts.public_key_pem());
    save("users.csv", &format!("{DEVELOPER},{DEVELOPER},1\n"));
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "users": [{"name": "bench", "user": {"token": DEVELOPER}}],
        "clusters": [{"name": "bench", "cluster": {
            "server": format!("https://127.0.0.1:{API_SERVER_PORT}"),
            "certificate-authority": folder.join("ca.crt"),
        }}],
    });
    save("kubeconfig", &kubeconfig.to_string());
}

pub const API_SERVER_PORT: u16 = 26443;
