//! The processes of the control plane and their flags.

use std::process::Command;
use std::time::Duration;

use kube::Client;
use tokio::runtime::Runtime;

use super::access::MANAGER;
use super::{ADMIN, Layout, Process, poll};
use crate::command::Run;
use crate::network::{HOST, SERVICES};

pub fn etcd(layout: &Layout) -> Process {
    let mut command = Command::new(layout.tool("etcd"));
    command.args([
        &format!("--data-dir={}", layout.state("etcd")),
        "--unsafe-no-fsync",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--log-level=warn",
    ]);
    Process::start("etcd", command, &layout.log("etcd"))
}

pub fn api_server(layout: &Layout) -> Process {
    std::fs::write(layout.state("audit.yaml"), AUDIT).expect("the state folder can be written");
    let mut command = Command::new(layout.tool("kube-apiserver"));
    command.args([
        "--etcd-servers=http://127.0.0.1:2379",
        &format!("--bind-address={HOST}"),
        &format!("--advertise-address={HOST}"),
        "--secure-port=6443",
        &format!("--service-cluster-ip-range={SERVICES}"),
        &format!("--tls-cert-file={}", layout.state("server.crt")),
        &format!("--tls-private-key-file={}", layout.state("server.key")),
        &format!("--cert-dir={}", layout.state("certs")),
        "--service-account-issuer=https://kubernetes.default.svc",
        &format!(
            "--service-account-signing-key-file={}",
            layout.state("accounts.key")
        ),
        &format!(
            "--service-account-key-file={}",
            layout.state("accounts.pub")
        ),
        &format!("--token-auth-file={}", layout.state("users.csv")),
        "--authorization-mode=RBAC",
        &format!(
            "--admission-control-config-file={}",
            layout.state("admission.yaml")
        ),
        // Otherwise a restart waits a minute for watches to end.
        "--shutdown-watch-termination-grace-period=2s",
        &format!("--audit-policy-file={}", layout.state("audit.yaml")),
        &format!(
            "--audit-log-path={}",
            layout.logs.join("audit.jsonl").display()
        ),
        // In megabytes. Large, because a rotated log is harder to read.
        "--audit-log-maxsize=1000",
    ]);
    Process::start("kube-apiserver", command, &layout.log("kube-apiserver"))
}

pub fn wait_until_ready(runtime: &Runtime, client: &Client, api_server: &Process) {
    poll(
        "the API server's /readyz",
        Duration::from_mins(1),
        &mut || {
            assert!(
                api_server.is_running(),
                "kube-apiserver has ended; its log says why"
            );
            let request = hyper::http::Request::get("/readyz")
                .body(Vec::new())
                .expect("a request");
            let answer = runtime.block_on(client.request_text(request));
            answer.map_err(|error| error.to_string())
        },
    );
}

pub fn controller_manager(layout: &Layout) -> Process {
    let kubeconfig = layout.kubeconfig(MANAGER, "kube-system");
    let mut command = Command::new(layout.tool("kube-controller-manager"));
    command.args([
        &format!("--kubeconfig={}", kubeconfig.display()),
        &format!("--controllers={CONTROLLERS}"),
        // Otherwise every controller writes as the controller manager itself.
        "--use-service-account-credentials=true",
        &format!("--root-ca-file={}", layout.state("ca.crt")),
        "--leader-elect=false",
        "--secure-port=0",
    ]);
    let log = layout.log("kube-controller-manager");
    Process::start("kube-controller-manager", command, &log)
}

/// The controllers work once a ServiceAccount exists that no story created.
pub fn wait_for_controllers(layout: &Layout, manager: &Process) {
    poll("the controllers", Duration::from_mins(1), &mut || {
        assert!(
            manager.is_running(),
            "kube-controller-manager has ended; its log says why"
        );
        let asked =
            Run::kubectl(layout, ADMIN, "argo-rollouts", "get serviceaccount default").run();
        if asked.code == 0 {
            Ok(())
        } else {
            Err(asked.to_string())
        }
    });
}

/// The CRDs of Istio and Argo, then Argo's ServiceAccount and RBAC from its own manifests.
pub fn install_crds(layout: &Layout) {
    let mut create = String::from("create");
    for file in layout.crds() {
        create += &format!(" -f {}", file.display());
    }
    Run::kubectl(layout, ADMIN, "default", &create).ok();
    let wait = "wait --for=condition=Established crd --all --timeout=30s";
    Run::kubectl(layout, ADMIN, "default", wait).ok();
    let crds = layout.crds();
    let argo = crds
        .last()
        .and_then(|crd| crd.parent()?.parent())
        .expect("manifests/crds/x.yaml");
    Run::kubectl(layout, ADMIN, "default", "create namespace argo-rollouts").ok();
    let mut apply = String::from("apply");
    for part in [
        "base/argo-rollouts-sa",
        "role/argo-rollouts-clusterrole",
        "cluster-install/argo-rollouts-clusterrolebinding",
    ] {
        apply += &format!(" -f {}/{part}.yaml", argo.display());
    }
    Run::kubectl(layout, ADMIN, "argo-rollouts", &apply).ok();
}

/// The Rollouts controller with its real identity.
pub fn rollouts(layout: &Layout, runtime: &Runtime) -> Process {
    let token = "create token argo-rollouts --duration=24h";
    let token = Run::kubectl(layout, ADMIN, "argo-rollouts", token)
        .ok()
        .stdout;
    let kubeconfig = layout.kubeconfig_of_token(token.trim(), "argo-rollouts");
    let mut command = Command::new(layout.tool("rollouts-controller"));
    command.args([
        &format!("--kubeconfig={}", kubeconfig.display()),
        "--namespace=argo-rollouts",
        "--leader-elect=false",
        "--istio-api-version=v1",
        // The usual 8080 and 8090 are for Pods with hostNetwork.
        "--healthzPort=18080",
        // So spelt in all versions.
        "--metricsport=18090",
    ]);
    // It stores downloaded plugins in its folder.
    command.current_dir(&layout.state);
    let process = Process::start(
        "rollouts-controller",
        command,
        &layout.log("rollouts-controller"),
    );
    poll(
        "the Rollouts controller's /healthz",
        Duration::from_mins(1),
        &mut || {
            assert!(
                process.is_running(),
                "rollouts-controller has ended; its log says why"
            );
            let healthy = runtime.block_on(tokio::net::TcpStream::connect(("127.0.0.1", 18080)));
            healthy.map(drop).map_err(|error| error.to_string())
        },
    );
    process
}

const CONTROLLERS: &str = "deployment,replicaset,endpointslice,namespace,garbagecollector,serviceaccount,root-ca-certificate-publisher-controller,\
                           resourcequota,validatingadmissionpolicy-status-controller";

/// Who wrote what: whole objects for the kinds that carry traffic, only names for the rest.
const AUDIT: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  resources:
  - {group: coordination.k8s.io}
  - {group: '', resources: [events]}
- level: RequestResponse
  resources:
  - {group: networking.istio.io}
  - {group: '', resources: [services]}
- level: Metadata
";
