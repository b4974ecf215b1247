//! Who judges the same write: rollout-guard, and neighbours with the policy of the nearest meaning.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use serde_json::{Value, json};

use crate::control_plane::{ControlPlane, Process, poll};

/// One of those who judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The API server by itself.
    None,
    ValidatingAdmissionPolicy,
    RolloutGuard,
    Istiod,
    Gatekeeper,
    Kyverno,
}

pub const ALL: [Peer; 6] = [
    Peer::None,
    Peer::ValidatingAdmissionPolicy,
    Peer::RolloutGuard,
    Peer::Istiod,
    Peer::Gatekeeper,
    Peer::Kyverno,
];

impl Peer {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no webhook",
            Self::ValidatingAdmissionPolicy => "ValidatingAdmissionPolicy",
            Self::RolloutGuard => "rollout-guard",
            Self::Istiod => "istiod",
            Self::Gatekeeper => "Gatekeeper",
            Self::Kyverno => "Kyverno",
        }
    }

    /// Whether it refuses a subset that no DestinationRule defines.
    pub const fn looks_up_subsets(self) -> bool {
        !matches!(self, Self::None | Self::Istiod)
    }

    /// Whether a server of its own judges.
    const fn serves(self) -> bool {
        !matches!(self, Self::None | Self::ValidatingAdmissionPolicy)
    }
}

/// A webhook that the API server calls for VirtualServices.
pub struct Webhook {
    pub path: String,
    /// The file with the CA that the API server trusts.
    pub ca: PathBuf,
}

/// A peer that judges the writes of an API server. When it is dropped, it does so no longer.
pub struct Running<'c> {
    control_plane: &'c ControlPlane,
    peer: Peer,
    server: Option<Process>,
}

impl<'c> Running<'c> {
    pub fn start(control_plane: &'c ControlPlane, peer: Peer) -> Self {
        let server = peer.serves().then(|| {
            let mut command = match peer {
                Peer::RolloutGuard => rollout_guard(control_plane),
                Peer::Gatekeeper => gatekeeper(control_plane),
                Peer::Kyverno => kyverno(control_plane),
                _ => istiod(control_plane),
            };
            let log = control_plane.file(&format!("{peer:?}.log"));
            Process::start(&mut command, &log)
        });
        match peer {
            Peer::ValidatingAdmissionPolicy => {
                apply(control_plane, "validating-admission-policy.yaml");
            }
            Peer::Gatekeeper => gatekeeper_policy(control_plane),
            Peer::Kyverno => apply(control_plane, "kyverno.yaml"),
            _ => {}
        }
        let running = Self {
            control_plane,
            peer,
            server,
        };
        // Kyverno writes its webhook configurations by itself.
        if peer.serves() && peer != Peer::Kyverno {
            control_plane.apply(&running.configurations());
        }
        running
    }

    pub fn process(&self) -> Option<u32> {
        self.server.as_ref().map(Process::id)
    }

    /// Its webhooks, the validating ones first, as the API server knows them.
    pub fn webhooks(&self) -> Vec<Webhook> {
        let kinds = [
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ];
        let of_kind = |kind: &str| {
            let found = self.control_plane.must(&["get", kind, "-o", "json"]);
            let found: Value = serde_json::from_str(&found).expect("JSON");
            let configurations = found["items"].as_array().cloned().unwrap_or_default();
            let webhooks = configurations
                .iter()
                .filter_map(|configuration| configuration["webhooks"].as_array());
            webhooks
                .flatten()
                .filter_map(|webhook| self.webhook(webhook))
                .collect::<Vec<Webhook>>()
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }

    fn webhook(&self, webhook: &Value) -> Option<Webhook> {
        let rules = webhook["rules"].as_array()?;
        let resources = rules
            .iter()
            .filter_map(|rule| rule["resources"].as_array())
            .flatten();
        if !resources
            .into_iter()
            .any(|resource| resource == "virtualservices")
        {
            return None;
        }
        let url = webhook["clientConfig"]["url"].as_str()?;
        let path = url.split_once(&format!(":{PORT}"))?.1.to_owned();
        let ca = webhook["clientConfig"]["caBundle"].as_str()?;
        let ca = base64::engine::general_purpose::STANDARD
            .decode(ca)
            .expect("base64");
        let file = self.control_plane.file(&format!("{:?}-ca.crt", self.peer));
        std::fs::write(&file, ca).expect("a file");
        Some(Webhook { path, ca: file })
    }

    fn configurations(&self) -> Vec<Value> {
        let ca = std::fs::read(self.control_plane.file("ca.crt")).expect("the CA");
        let ca = base64::engine::general_purpose::STANDARD.encode(ca);
        let webhooks: &[(&str, &str)] = match self.peer {
            Peer::RolloutGuard => &[("Validating", "/validate"), ("Mutating", "/mutate")],
            Peer::Gatekeeper => &[("Validating", "/v1/admit")],
            _ => &[("Validating", "/validate")],
        };
        let configuration = |(kind, path): &(&str, &str)| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": format!("{kind}WebhookConfiguration"),
                "metadata": {"name": CONFIGURATION},
                "webhooks": [{
                    "name": "peers.example.com",
                    "admissionReviewVersions": ["v1"], "sideEffects": "None",
                    "failurePolicy": "Fail", "timeoutSeconds": 10,
                    "clientConfig": {"url": format!("https://127.0.0.1:{PORT}{path}"), "caBundle": ca},
                    "rules": [{
                        "apiGroups": ["networking.istio.io"], "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["virtualservices"],
                    }],
                }],
            })
        };
        webhooks.iter().map(configuration).collect()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // First the server: Kyverno would write its configurations again.
        drop(self.server.take());
        let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,\
                     validatingadmissionpolicybindings";
        let deleted = self.control_plane.kubectl(&["delete", kinds, "--all"]);
        if let Err(error) = deleted {
            eprintln!("peers: {error}");
        }
    }
}

fn rollout_guard(control_plane: &ControlPlane) -> Command {
    let program = std::env::var_os("ROLLOUT_GUARD_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_rollout-guard")),
        PathBuf::from,
    );
    let mut command = Command::new(program);
    command
        .args(["serve", "--admin", "127.0.0.1:29080"])
        .args(["--listen", &format!("127.0.0.1:{PORT}")])
        .arg("--tls-cert")
        .arg(control_plane.file("tls.crt"))
        .arg("--tls-key")
        .arg(control_plane.file("tls.key"))
        .arg("--kubeconfig")
        .arg(control_plane.file("kubeconfig"))
        .args(["--pod-namespace", "default"]);
    command
}

fn istiod(control_plane: &ControlPlane) -> Command {
    let mut command = Command::new(tool("istiod-validation"));
    command
        .args(["-listen", &format!("127.0.0.1:{PORT}")])
        .arg("-cert")
        .arg(control_plane.file("tls.crt"))
        .arg("-key")
        .arg(control_plane.file("tls.key"));
    command
}

/// With its CRDs, and the flags of its own manifests.
fn gatekeeper(control_plane: &ControlPlane) -> Command {
    let crds = tool("gatekeeper-crds");
    for file in std::fs::read_dir(crds).expect("gatekeeper-crds").flatten() {
        let file = file.path().display().to_string();
        control_plane.must(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
    }
    control_plane.established();
    control_plane.apply(&[namespace("gatekeeper-system")]);
    let mut command = Command::new(tool("gatekeeper"));
    command
        .args([
            "--operation=webhook",
            "--operation=status",
            "--operation=generate",
        ])
        .args([
            "--exempt-namespace=gatekeeper-system",
            "--disable-cert-rotation",
        ])
        .args([
            &format!("--port={PORT}"),
            "--host=127.0.0.1",
            "--health-addr=127.0.0.1:29090",
        ])
        .args(["--prometheus-port=29091", "--log-level=WARNING"])
        .arg(format!("--cert-dir={}", control_plane.file("").display()))
        .env("KUBECONFIG", control_plane.file("kubeconfig"))
        .env("POD_NAMESPACE", "gatekeeper-system")
        .env("POD_NAME", "gatekeeper");
    // Its status is owned by its Pod.
    control_plane.apply(&[pod("gatekeeper-system", "gatekeeper")]);
    command
}

fn gatekeeper_policy(control_plane: &ControlPlane) {
    apply(control_plane, "gatekeeper.yaml");
    // The template becomes a CRD.
    poll("the constraint of Gatekeeper", || {
        control_plane.kubectl(&["apply", "-f", &policy("gatekeeper-constraint.yaml")])
    });
}

fn kyverno(control_plane: &ControlPlane) -> Command {
    let crds = tool("kyverno-crds");
    for folder in std::fs::read_dir(crds).expect("kyverno-crds").flatten() {
        let folder = folder.path().display().to_string();
        control_plane.must(&["apply", "--server-side", "--force-conflicts", "-f", &folder]);
    }
    control_plane.established();
    let settings = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "kyverno"},
            "data": {"webhooks": "{}"},
        })
    };
    control_plane.apply(&[
        namespace("kyverno"),
        settings("kyverno"),
        settings("kyverno-metrics"),
    ]);
    let mut command = Command::new(tool("kyverno"));
    command
        .arg(format!(
            "--kubeconfig={}",
            control_plane.file("kubeconfig").display()
        ))
        .args([
            &format!("--serverIP=127.0.0.1:{PORT}"),
            &format!("--webhookServerPort={PORT}"),
        ])
        .args([
            "--webhookServerHost=127.0.0.1",
            "--servicePort=443",
            "--disableMetrics=true",
        ])
        .args([
            "--enableReporting=",
            "--admissionReports=false",
            "--controllerRuntimeMetricsAddress=0",
        ])
        .args([
            "--caSecretName=kyverno-ca",
            "--tlsSecretName=kyverno-tls",
            "--v=0",
        ])
        .args(["--backgroundServiceAccountName=system:serviceaccount:kyverno:background"])
        .args(["--reportsServiceAccountName=system:serviceaccount:kyverno:reports"])
        .envs(KYVERNO_ENVIRONMENT);
    command
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn pod(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "it", "image": "example.com/it"}], "automountServiceAccountToken": false},
    })
}

fn apply(control_plane: &ControlPlane, file: &str) {
    control_plane.must(&["apply", "-f", &policy(file)]);
}

fn policy(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/policies");
    folder.join(file).display().to_string()
}

/// What `benches/peers/run` built.
fn tool(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("PEERS").expect("PEERS, the folder of the peers: use benches/peers/run");
    PathBuf::from(folder).join(name)
}

/// Of all webhooks, one after the other.
pub const PORT: u16 = 29443;
const CONFIGURATION: &str = "peers";
/// What its Deployment sets.
const KYVERNO_ENVIRONMENT: [(&str, &str); 8] = [
    ("KYVERNO_NAMESPACE", "kyverno"),
    ("KYVERNO_SERVICEACCOUNT_NAME", "kyverno"),
    ("KYVERNO_ROLE_NAME", "kyverno"),
    ("KYVERNO_POD_NAME", "kyverno"),
    ("KYVERNO_DEPLOYMENT", "kyverno"),
    ("KYVERNO_SVC", "kyverno-svc"),
    ("INIT_CONFIG", "kyverno"),
    ("METRICS_CONFIG", "kyverno-metrics"),
];
