//! The flags of `serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::error::Error;
use super::log::LogOptions;
use crate::duration;
use crate::files::settings::SettingsOptions;
use crate::{pki, record};

/// Run the admission webhook
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Address of the webhook (HTTPS)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8443")]
    pub listen: String,
    /// Address of /livez, /readyz and /metrics (plain HTTP)
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080")]
    pub admin: String,
    /// Files or folders that are the cluster, instead of a live one; read again when they change
    #[arg(long, value_name = "PATH", conflicts_with = "kubeconfig")]
    pub manifests: Vec<PathBuf>,
    /// How to reach the cluster from outside of it
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
    /// How long requests are answered after SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::of_flag)]
    pub drain: Duration,
    /// Largest request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BODY_LIMIT)]
    pub body_limit: usize,
}

/// Who this replica is, and by which Lease the replicas choose a leader.
#[derive(Args, Clone, Debug)]
pub struct ReplicaOptions {
    /// Lease by which the replicas choose who writes caBundles, rotates and audits
    #[arg(long, value_name = "NAME", default_value = "rollout-guard")]
    pub lease: String,
    /// The guard's own namespace
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "rollout-guard"
    )]
    pub pod_namespace: String,
    /// The name of this replica
    #[arg(
        long,
        value_name = "NAME",
        env = "POD_NAME",
        default_value = "rollout-guard"
    )]
    pub pod_name: String,
}

impl Options {
    /// What the flags do not say, before anything is begun.
    pub(super) fn check(&self) -> Result<(), Error> {
        let stdin = self.manifests.iter().any(|path| path.as_os_str() == "-");
        if stdin { Err(Error::Stdin) } else { Ok(()) }
    }
}

/// 8 MiB: more than twice the largest object that etcd takes, old and new.
pub(super) const DEFAULT_BODY_LIMIT: usize = 8 << 20;
