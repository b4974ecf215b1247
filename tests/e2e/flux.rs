//! Flux: source-controller and kustomize-controller.

use std::process::Command;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::api::{self, list, text};
use crate::bed::{ADMIN, Bed, Process};
use crate::command::Run;
use crate::repository::Repository;
use crate::team::Tool;
use crate::world::World;

/// The processes of the installation. All Kustomizations share it.
pub struct Flux(#[expect(dead_code, reason = "they run until this is dropped")] [Process; 2]);

impl Flux {
    fn start(bed: &Bed) -> Self {
        install(bed);
        let storage = bed.layout.state("flux-artifacts");
        std::fs::create_dir_all(&storage).expect("the state folder can be written");
        let source = format!(
            "--storage-path={storage} --storage-addr={ARTIFACTS} --storage-adv-addr={ARTIFACTS} \
             --health-addr=127.0.0.1:19441"
        );
        Self([
            controller(bed, "kustomize-controller", "--health-addr=127.0.0.1:19440"),
            controller(bed, "source-controller", &source),
        ])
    }
}

/// The CRDs, and the ServiceAccounts with the rights that `flux install` gives them.
fn install(bed: &Bed) {
    let kubectl = |words: &str| Run::kubectl(&bed.layout, ADMIN, NAMESPACE, words);
    kubectl(&format!("create namespace {NAMESPACE}")).ok();
    for controller in ["kustomize-controller", "source-controller"] {
        // kubectl does not follow a link to a folder.
        let crds = bed.layout.tool(&format!("{controller}-crds"));
        let crds = std::fs::canonicalize(crds).expect("tests/e2e/build creates the link");
        kubectl("create -f").arg(crds).ok();
        kubectl(&format!("create serviceaccount {controller}")).ok();
        kubectl(&format!(
            "create clusterrolebinding {controller} --clusterrole=cluster-admin \
             --serviceaccount={NAMESPACE}:{controller}"
        ))
        .ok();
    }
    kubectl("wait --for=condition=Established crd --all --timeout=30s").ok();
}

fn controller(bed: &Bed, name: &str, flags: &str) -> Process {
    let token = format!("create token {name} --duration=24h");
    let token = Run::kubectl(&bed.layout, ADMIN, NAMESPACE, &token).ok();
    let kubeconfig = bed
        .layout
        .kubeconfig_of_token(token.stdout.trim(), NAMESPACE);
    let temporary = bed.layout.state.join("flux").join(name);
    std::fs::create_dir_all(&temporary).expect("the state folder can be written");
    let mut command = Command::new(bed.layout.tool(name));
    command
        .args([
            "--watch-all-namespaces",
            "--log-encoding=json",
            "--metrics-addr=0",
        ])
        .args(flags.split_whitespace())
        .env_clear()
        .env("PATH", bed.layout.path())
        .env("HOME", &temporary)
        .env("TMPDIR", &temporary)
        .env("KUBECONFIG", kubeconfig)
        .env("RUNTIME_NAMESPACE", NAMESPACE);
    Process::start(name, command, &bed.layout.log(name))
}

/// A Kustomization that applies a repository to a story's namespace.
pub struct Kustomization<'w> {
    world: &'w World<'w>,
}

impl<'w> Kustomization<'w> {
    pub fn create(world: &'w World<'w>, repository: &Repository) -> Self {
        world.bed.flux.get_or_init(|| Flux::start(world.bed));
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": NAME},
            "spec": {"interval": "1m", "url": repository.url, "ref": {"branch": "main"}},
        });
        let kustomization = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": NAME},
            "spec": {
                "interval": INTERVAL, "retryInterval": INTERVAL, "prune": true, "path": "./",
                "sourceRef": {"kind": "GitRepository", "name": NAME},
            },
        });
        let both = json!({"apiVersion": "v1", "kind": "List", "items": [source, kustomization]});
        world.kubectl("create -f -").input(both).ok();
        Self { world }
    }

    /// Waits until this commit is applied, or refused: `Ready` is `True` or `False`. Returns the message.
    pub fn until_ready(&self, commit: &str, ready: &str) -> String {
        let what = format!("{commit} is Ready={ready}");
        let stored = self.world.until("Kustomization", NAME, &what, |stored| {
            text(stored, "/status/lastAttemptedRevision").ends_with(commit)
                && condition(stored).is_some_and(|condition| condition["status"] == ready)
        });
        condition(&stored).map_or_else(String::new, |ready| text(ready, "/message").to_owned())
    }
}

fn condition(stored: &Value) -> Option<&Value> {
    let mut conditions = list(stored, "/status/conditions").iter();
    conditions.find(|condition| condition["type"] == "Ready")
}

impl Tool for Kustomization<'_> {
    /// As `flux reconcile source git`.
    fn refresh(&self) {
        let now = k8s_openapi::jiff::Timestamp::now();
        let annotate = format!("annotate gitrepository {NAME} --overwrite");
        self.world
            .kubectl(&format!("{annotate} reconcile.fluxcd.io/requestedAt={now}"))
            .ok();
    }

    fn until_applied(&self, commit: &str) {
        self.until_ready(commit, "True");
    }
}

impl Drop for Kustomization<'_> {
    /// Suspended first: otherwise the deletion prunes the objects.
    fn drop(&mut self) {
        self.world
            .kubectl("patch kustomization team --type=merge -p")
            .arg(r#"{"spec": {"suspend": true}}"#)
            .run();
        let api = api::namespaced(
            &self.world.bed.client,
            "Kustomization",
            &self.world.namespace,
        );
        let delete = DeleteParams::default();
        self.world.bed.block_on(api.delete(NAME, &delete)).ok();
    }
}

const NAMESPACE: &str = "flux-system";
const NAME: &str = "team";
const ARTIFACTS: &str = "127.0.0.1:19090";
/// People set minutes.
const INTERVAL: &str = "5s";
