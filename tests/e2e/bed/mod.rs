//! The test bed: a real control plane from start to end. All its processes end with it, also after a panic.

mod access;
mod control_plane;
mod layout;
mod process;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::runtime::Runtime;

pub use access::{ADMIN, CALLER};
pub use layout::Layout;
pub use process::Process;

use crate::argo_cd::ArgoCd;
use crate::flux::Flux;
use crate::guard::{Guard, Installed};
use crate::kubelet::Kubelet;
use crate::nodes::Nodes;
use crate::services::Services;

/// The test bed that all stories use.
pub struct Bed {
    /// Fields are dropped in this order: clients of the API server before the API server.
    /// Nothing until a story needs it.
    pub argo_cd: OnceLock<ArgoCd>,
    pub flux: OnceLock<Flux>,
    /// The server of all repositories. Nothing until a story needs it.
    pub git_server: OnceLock<Process>,
    pub nodes: Nodes,
    /// The guard's Pods.
    pub kubelet: Kubelet,
    /// What is installed of rollout-guard. Nothing until a story needs it.
    pub installed: Installed,
    pub rollouts: Process,
    pub controller_manager: Process,
    pub services: Services,
    pub api_server: Process,
    pub etcd: Process,
    /// A client with the administrator's identity.
    pub client: Client,
    pub runtime: Runtime,
    pub layout: Layout,
    /// Whether `--long` was given.
    pub long: bool,
}

impl Bed {
    /// Starts everything and returns when a Rollout can be applied.
    pub fn start(long: bool) -> Self {
        let from = Instant::now();
        let layout = Layout::new();
        eprintln!("e2e: logs are in {}", layout.logs.display());
        let runtime = Runtime::new().expect("the threads of the async runtime start");
        end_on_signals(&runtime);
        access::write(&layout);
        let etcd = control_plane::etcd(&layout);
        let api_server = control_plane::api_server(&layout);
        let client = runtime.block_on(access::client(&layout));
        control_plane::wait_until_ready(&runtime, &client, &api_server);
        say(from, "the API server is ready");
        control_plane::install_crds(&layout);
        say(from, "the CRDs are installed");
        // After the CRDs: its garbage collector discovers new kinds only every 30 s.
        let controller_manager = control_plane::controller_manager(&layout);
        control_plane::wait_for_controllers(&layout, &controller_manager);
        let nodes = Nodes::start(&runtime, &client);
        let services = Services::start(&runtime, &client);
        let kubelet = Kubelet::start(&runtime, &client, &layout);
        let rollouts = control_plane::rollouts(&layout, &runtime);
        say(from, "the Rollouts controller is ready");
        Self {
            argo_cd: OnceLock::new(),
            flux: OnceLock::new(),
            git_server: OnceLock::new(),
            nodes,
            kubelet,
            installed: Installed::default(),
            services,
            rollouts,
            controller_manager,
            api_server,
            etcd,
            client,
            runtime,
            layout,
            long,
        }
    }

    /// Blocks a story's thread until a future completes.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Retries until there is a result. After `deadline` the story fails with the last error and the list of
    /// processes that have ended.
    pub fn wait<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut ask: impl FnMut() -> Result<T, String>,
    ) -> T {
        poll(what, deadline, &mut || {
            ask().map_err(|why| format!("{why}{}", self.ended()))
        })
    }

    /// The processes that do not run, for a wait that fails.
    fn ended(&self) -> String {
        let all = [
            &self.etcd,
            &self.api_server,
            &self.controller_manager,
            &self.rollouts,
        ];
        let ended = all.into_iter().filter(|process| !process.is_running());
        ended
            .map(|process| format!("\n({} does not run)", process.name))
            .collect()
    }

    /// The release that guards the test bed.
    pub fn guard(&self) -> Guard<'_> {
        Guard { bed: self }
    }

    /// Restarts the API server as an operator does: it may complete running requests.
    pub fn restart_api_server(&self) {
        let ended = self.api_server.stop(Duration::from_secs(90));
        assert!(ended, "kube-apiserver does not end");
        self.api_server.start_again();
        control_plane::wait_until_ready(&self.runtime, &self.client, &self.api_server);
    }

    /// The ends of all logs, printed for a failed run.
    pub fn print_logs(&self) {
        self.layout.print_logs();
    }
}

/// Retries every 100 ms until there is a result. After `deadline` the story fails with the last error.
pub fn poll<T>(what: &str, deadline: Duration, ask: &mut dyn FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + deadline;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) if Instant::now() > end => {
                panic!("waited {deadline:?} for {what}; last: {why}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn say(from: Instant, what: &str) {
    eprintln!("e2e: {what} ({:.1} s)", from.elapsed().as_secs_f32());
}

/// The harness is the first process of its namespace, which no signal ends by default.
fn end_on_signals(runtime: &Runtime) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let _in_runtime = runtime.enter();
        let mut signals = signal(kind).expect("signals can be handled");
        runtime.spawn(async move {
            signals.recv().await;
            eprintln!("e2e: interrupted");
            std::process::exit(130);
        });
    }
}
