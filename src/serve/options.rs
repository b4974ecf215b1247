//! The flags of `serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Error, duration};
use crate::cli::settings::SettingsOptions;

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
    /// Serving certificate and its chain (PEM); read again when it changes. Without it one is made
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the serving certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Where the CA of the made certificate is written, unless `--tls-secret` keeps it
    #[arg(
        long,
        value_name = "FILE",
        default_value = "rollout-guard-ca.pem",
        conflicts_with = "tls_cert"
    )]
    pub ca_file: PathBuf,
    /// Name or address in the made certificate, beside localhost, 127.0.0.1 and ::1
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = DEFAULT_DNS,
        conflicts_with = "tls_cert"
    )]
    pub dns: Vec<String>,
    #[command(flatten)]
    pub own: OwnOptions,
    /// Folder in which the reviews are kept that come, without secrets, to be asked again by `review`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How many reviews the folder may hold
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "record")]
    pub record_limit: usize,
    /// How long requests are answered after SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::of_flag)]
    pub drain: Duration,
    /// Largest request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BODY_LIMIT)]
    pub body_limit: usize,
}

/// What the guard keeps in a live cluster, all in its own namespace but for the webhook configurations.
#[derive(Args, Clone, Debug)]
pub struct OwnOptions {
    /// Secret in which the replicas keep a CA and serving certificate that they make and rotate
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tls_cert", "manifests"])]
    pub tls_secret: Option<String>,
    /// Name of the two webhook configurations whose caBundle is kept
    #[arg(long, value_name = "NAME", requires = "tls_secret")]
    pub webhook_configuration: Option<String>,
    /// Lease by which the replicas choose who writes caBundles, rotates and audits
    #[arg(long, value_name = "NAME", default_value = "rollout-guard")]
    pub lease: String,
    /// Life of a made serving certificate; it is rotated at two thirds
    #[arg(long, value_name = "DURATION", default_value = "2160h", value_parser = a_lifetime)]
    pub cert_lifetime: Duration,
    /// Life of a made CA; it is rotated at two thirds, and trusted to its end
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = a_lifetime)]
    pub ca_lifetime: Duration,
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

/// Long enough to be rotated in time, short enough for a date.
fn a_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration::of_flag(text)?;
    let bounds = Duration::from_secs(10)..=Duration::from_hours(24 * 365 * 100);
    if bounds.contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err("write a duration from 10s to 876000h".to_owned())
    }
}

/// The Service of the Helm chart, as the API server calls it.
pub const DEFAULT_DNS: &str = "rollout-guard.rollout-guard.svc";
/// 8 MiB: more than twice the largest object that etcd takes, old and new.
pub(super) const DEFAULT_BODY_LIMIT: usize = 8 << 20;
