//! The flags of `serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::error::Error;
use super::limits::Limits;
use super::log::LogOptions;
use crate::api::reports;
use crate::duration;
use crate::files::settings::SettingsOptions;
use crate::{pki, record};

/// Run the admission webhook
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, mut_arg("config", |config| config.help(CONFIG)))]
pub struct Options {
    /// Address of the webhook (HTTPS)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8443")]
    pub listen: String,
    /// Address of /livez, /readyz and /metrics (plain HTTP)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080")]
    pub admin: String,
    /// Files or folders with the objects of the cluster, in place of a live cluster; read again when they change
    #[arg(long, value_name = "PATH", conflicts_with = "kubeconfig")]
    pub manifests: Vec<PathBuf>,
    /// Kubeconfig of the cluster [default: the cluster that this runs in]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsOptions,
    #[command(flatten)]
    pub tls: pki::TlsOptions,
    #[command(flatten)]
    pub replica: ReplicaOptions,
    #[command(flatten)]
    pub record: record::RecordOptions,
    #[command(flatten)]
    pub log: LogOptions,
    /// Groups in which the audit publishes its findings as reports, where the API server serves them
    #[arg(long, value_name = "GROUP", value_delimiter = ',', value_parser = reports::GROUPS, conflicts_with = "manifests")]
    pub policy_reports: Vec<String>,
    /// How long to answer requests after SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::of_flag)]
    pub drain: Duration,
    #[command(flatten)]
    pub limits: Limits,
}

const CONFIG: &str = "Settings file (YAML): profile, actions by rule, controllerUsers, clusterDomain, … [default: none]";

const EXAMPLES: &str = "\
Examples:
  rollout-guard serve --manifests examples/subset-level        on manifests, without a cluster
  rollout-guard serve --kubeconfig ~/.kube/config              outside of the cluster that it watches
In a cluster the chart installs it: docs/install.md";

/// The identity of this replica, and the Lease of the leader.
#[derive(Args, Clone, Debug)]
pub struct ReplicaOptions {
    /// Lease of the leader, the replica that rotates certificates, writes caBundles and audits
    #[arg(long, value_name = "NAME", default_value = "rollout-guard")]
    pub lease: String,
    /// Namespace of this replica
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "rollout-guard"
    )]
    pub pod_namespace: String,
    /// Name of this replica
    #[arg(
        long,
        value_name = "NAME",
        env = "POD_NAME",
        default_value = "rollout-guard"
    )]
    pub pod_name: String,
}

impl Options {
    /// Checks what clap cannot.
    pub(super) fn check(&self) -> Result<(), Error> {
        let stdin = self.manifests.iter().any(|path| path.as_os_str() == "-");
        if stdin { Err(Error::Stdin) } else { Ok(()) }
    }
}
