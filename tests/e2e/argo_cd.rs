//! Argo CD: its application controller, repo server, API server and command line, with the RBAC of its own manifests.

use std::process::Command;
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::api::{self, text};
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::Run;
use crate::repository::Repository;
use crate::team::Tool;
use crate::world::World;

/// The processes of the installation, and Redis. All Applications share it.
pub struct ArgoCd(#[expect(dead_code, reason = "they run until this is dropped")] Vec<Process>);

impl ArgoCd {
    fn start(bed: &Bed) -> Self {
        install(bed);
        let redis = redis(bed);
        let repo_server = component(bed, "repo-server", "--disable-tls");
        until_open(&repo_server, REPO_SERVER);
        // It creates the default project, and keys that the controller needs.
        let server = component(bed, "server", "--insecure --disable-auth");
        until_open(&server, SERVER);
        let controller = component(bed, "application-controller", "");
        Self(vec![controller, server, repo_server, redis])
    }
}

/// Everything of Argo CD's manifests except its Pods and Services.
fn install(bed: &Bed) {
    let kubectl = |words: &str| Run::kubectl(&bed.layout, ADMIN, NAMESPACE, words);
    kubectl("create namespace argocd").ok();
    let file = bed.layout.tool("argo-cd.yaml");
    let read = kubectl("create --dry-run=client -o json -f").arg(file).ok();
    let objects = serde_json::Deserializer::from_str(&read.stdout).into_iter::<Value>();
    let objects = objects.map(|object| object.expect("kubectl prints JSON"));
    let kept = objects.filter(|object| !NOT_INSTALLED.contains(&text(object, "/kind")));
    let kept = json!({"apiVersion": "v1", "kind": "List", "items": kept.collect::<Vec<_>>()});
    kubectl("create -f -").input(kept).ok();
    kubectl("wait --for=condition=Established crd/applications.argoproj.io --timeout=30s").ok();
}

fn redis(bed: &Bed) -> Process {
    let mut command = Command::new("redis-server");
    let words = "--bind 127.0.0.1 --port 6379 --appendonly no --save";
    command.args(words.split_whitespace()).arg("");
    let process = Process::start("redis", command, &bed.layout.log("redis"));
    until_open(&process, REDIS);
    process
}

/// One component with its own ServiceAccount.
fn component(bed: &Bed, name: &str, flags: &str) -> Process {
    let home = bed.layout.state.join("argocd").join(name);
    for folder in [".kube", "tmp"] {
        std::fs::create_dir_all(home.join(folder)).expect("the state folder can be written");
    }
    let token = format!("create token argocd-{name} --duration=24h");
    let token = Run::kubectl(&bed.layout, ADMIN, NAMESPACE, &token).ok();
    let kubeconfig = bed
        .layout
        .kubeconfig_of_token(token.stdout.trim(), NAMESPACE);
    // Where a component reads it as that of its own cluster.
    std::fs::copy(kubeconfig, home.join(".kube/config")).expect("the state folder can be written");
    let mut command = Command::new(bed.layout.tool("argocd"));
    command
        .args(["--redis", REDIS])
        .args(flags.split_whitespace())
        .env_clear()
        .env("PATH", bed.layout.path())
        .env("HOME", &home)
        .env("TMPDIR", home.join("tmp"))
        .env("ARGOCD_BINARY_NAME", format!("argocd-{name}"))
        .env("ARGOCD_FAKE_IN_CLUSTER", "true")
        .env("ARGOCD_GPG_ENABLED", "false")
        .current_dir(&home);
    match name {
        "repo-server" => {
            // It looks for a CA of its clients although TLS is off.
            command.args(["--client-ca-path", "", "--address", "127.0.0.1"]);
        }
        _ => {
            command.args(["--repo-server", REPO_SERVER, "--repo-server-plaintext"]);
        }
    }
    if name == "server" {
        command.args(["--address", "127.0.0.1", "--port", "18083"]);
    }
    let name = format!("argocd-{name}");
    Process::start(&name, command, &bed.layout.log(&name))
}

fn until_open(process: &Process, address: &str) {
    poll(&process.name, Duration::from_mins(1), &mut || {
        assert!(process.is_running(), "{} has ended", process.name);
        let connected = std::net::TcpStream::connect(address);
        connected.map(drop).map_err(|error| error.to_string())
    });
}

/// How an Application is synced and compared.
#[derive(Clone, Copy)]
pub struct Options {
    pub server_side_apply: bool,
    pub server_side_diff: bool,
    /// Whether a sync that failed is tried again with the newest commit instead of its own.
    pub retry_refresh: bool,
}

impl Options {
    /// As Argo CD syncs and compares by default.
    pub const CLIENT_SIDE: Self = Self {
        server_side_apply: false,
        server_side_diff: false,
        retry_refresh: true,
    };
    /// As docs/gitops.md recommends.
    pub const SERVER_SIDE: Self = Self {
        server_side_apply: true,
        server_side_diff: true,
        retry_refresh: true,
    };
}

/// An Application that applies a repository to a story's namespace, automatically and with self-heal.
pub struct Application<'w> {
    world: &'w World<'w>,
    /// Also the name of the namespace.
    name: &'w str,
}

impl<'w> Application<'w> {
    pub fn create(world: &'w World<'w>, repository: &Repository, options: Options) -> Self {
        world.bed.argo_cd.get_or_init(|| ArgoCd::start(world.bed));
        let name = &world.namespace;
        let diff = format!("ServerSideDiff={}", options.server_side_diff);
        let apply = format!("ServerSideApply={}", options.server_side_apply);
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {
                "name": name, "namespace": NAMESPACE,
                "annotations": {"argocd.argoproj.io/compare-options": diff},
            },
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": repository.url, "targetRevision": "main", "path": ".",
                    "directory": {"recurse": true},
                },
                "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
                "syncPolicy": {
                    "automated": {"prune": true, "selfHeal": true},
                    "retry": {"limit": 5, "refresh": options.retry_refresh},
                    "syncOptions": [apply],
                },
            },
        });
        world.kubectl("create -f -").input(application).ok();
        Self { world, name }
    }

    pub fn find(&self) -> Option<Value> {
        let api = api::namespaced(&self.world.bed.client, "Application", NAMESPACE);
        let found = self.world.bed.block_on(api::find(api, self.name));
        found.expect("the API server answers")
    }

    pub fn read(&self) -> Value {
        self.find().expect("the Application exists")
    }

    /// Deletes it together with its objects, as `argocd` does by default.
    pub fn delete(&self) {
        let delete = format!(
            "app delete {} --yes --wait=false --server {SERVER} --plaintext",
            self.name
        );
        self.world.as_user(ADMIN, "argocd", &delete).ok();
    }

    /// Waits until the Application looks like this. The story fails with what it looked like last.
    pub fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let title = format!("Application {}: {what}", self.name);
        self.world.bed.wait(&title, DEADLINE, || {
            let application = self.read();
            if holds(&application) {
                Ok(application)
            } else {
                Err(format!("{:#}", application["status"]))
            }
        })
    }

    /// Waits until a sync of this commit has ended.
    pub fn until_sync(&self, commit: &str, phase: &str) -> Value {
        self.until(&format!("the sync of {commit} is {phase}"), |application| {
            let state = &application["status"]["operationState"];
            text(state, "/syncResult/revision") == commit && text(state, "/phase") == phase
        })
    }

    /// Waits until this commit has been compared and looks like this.
    pub fn until_status(&self, commit: &str, sync: &str, health: &str) -> Value {
        self.until(&format!("{commit} is {sync} and {health}"), |application| {
            let status = &application["status"];
            text(status, "/sync/revision") == commit
                && text(status, "/sync/status") == sync
                && text(status, "/health/status") == health
        })
    }

    /// Waits until `argocd app get` shows this. Its last output is in a log.
    pub fn until_shown(&self, words: &str) {
        let get = format!("app get {} --server {SERVER} --plaintext", self.name);
        let log = self.world.bed.layout.log(&format!("{}-app-get", self.name));
        self.world.bed.wait("argocd app get", DEADLINE, || {
            let shown = self.world.as_user(ADMIN, "argocd", &get).ok().stdout;
            std::fs::write(&log, &shown).expect("the log folder can be written");
            if shown.contains(words) {
                Ok(())
            } else {
                Err(shown)
            }
        });
    }
}

impl Tool for Application<'_> {
    fn refresh(&self) {
        let refresh = "argocd.argoproj.io/refresh=normal";
        let words = format!(
            "annotate -n {NAMESPACE} application {} --overwrite {refresh}",
            self.name
        );
        self.world.kubectl(&words).ok();
    }

    fn until_applied(&self, commit: &str) {
        self.until_sync(commit, "Succeeded");
    }
}

impl Drop for Application<'_> {
    fn drop(&mut self) {
        let api = api::namespaced(&self.world.bed.client, "Application", NAMESPACE);
        let delete = DeleteParams::default();
        self.world.bed.block_on(api.delete(self.name, &delete)).ok();
    }
}

pub const NAMESPACE: &str = "argocd";
const NOT_INSTALLED: [&str; 4] = ["Deployment", "StatefulSet", "Service", "NetworkPolicy"];
const REDIS: &str = "127.0.0.1:6379";
const REPO_SERVER: &str = "127.0.0.1:8081";
const SERVER: &str = "127.0.0.1:18083";
/// The retries of a sync that fails begin after 10, 20 and 40 s.
const DEADLINE: Duration = Duration::from_mins(2);
