//! The flags of `serve` that say where the serving certificate comes from.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::authority::DEFAULT_DNS_NAME;
use crate::duration::{self, InvalidDuration};

const MIN_LIFETIME: Duration = Duration::from_secs(10);
/// A hundred years.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 365 * 100);

/// Where the serving certificate comes from.
#[derive(Args, Clone, Debug)]
pub struct TlsOptions {
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
        default_value = DEFAULT_DNS_NAME,
        conflicts_with = "tls_cert"
    )]
    pub dns: Vec<String>,
    /// Secret in which the replicas keep a CA and serving certificate that they make and rotate
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tls_cert", "manifests"])]
    pub tls_secret: Option<String>,
    /// Name of the two webhook configurations whose caBundle is kept
    #[arg(long, value_name = "NAME", requires = "tls_secret")]
    pub webhook_configuration: Option<String>,
    /// Life of a made serving certificate; it is rotated at two thirds
    #[arg(long, value_name = "DURATION", default_value = "2160h", value_parser = lifetime)]
    pub cert_lifetime: Duration,
    /// Life of a made CA; it is rotated at two thirds, and trusted to its end
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = lifetime)]
    pub ca_lifetime: Duration,
}

/// Why a flag is no lifetime of a certificate.
#[derive(Debug, thiserror::Error)]
enum LifetimeError {
    #[error(transparent)]
    Duration(#[from] InvalidDuration),
    #[error("write a duration from 10s to 876000h")]
    OutOfRange,
}

/// Long enough to be rotated in time, short enough for a date in a certificate.
fn lifetime(text: &str) -> Result<Duration, LifetimeError> {
    let lifetime = duration::of_flag(text)?;
    let bounds = MIN_LIFETIME..=MAX_LIFETIME;
    let lifetime = Some(lifetime).filter(|lifetime| bounds.contains(lifetime));
    lifetime.ok_or(LifetimeError::OutOfRange)
}
