//! The flags of `serve` that say where the serving certificate comes from.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use super::authority::DEFAULT_DNS_NAME;
use crate::duration::{self, InvalidDuration};

const MIN_LIFETIME: Duration = Duration::from_secs(10);
/// A hundred years.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 365 * 100);

/// Where the serving certificate comes from.
#[derive(Args, Clone, Debug)]
pub struct TlsOptions {
    /// Serving certificate with its chain (PEM), read again when it changes [default: a new certificate]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the serving certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// File to which the CA of a new certificate is written, unless it is in the Secret of `--tls-secret`
    #[arg(
        long,
        value_name = "FILE",
        default_value = "rollout-guard-ca.pem",
        conflicts_with = "tls_cert"
    )]
    pub ca_file: PathBuf,
    /// Name or address in a new certificate, in addition to localhost, 127.0.0.1 and ::1
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = DEFAULT_DNS_NAME,
        conflicts_with = "tls_cert"
    )]
    pub dns: Vec<String>,
    /// Secret in which the leader keeps a CA and a serving certificate for all replicas
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tls_cert", "manifests"])]
    pub tls_secret: Option<String>,
    /// Name of the two webhook configurations in which the leader sets caBundle
    #[arg(long, value_name = "NAME", requires = "tls_secret")]
    pub webhook_configuration: Option<String>,
    /// CA of the client certificates that callers of the webhook must have (PEM), read again when it changes
    /// [default: anybody may call]
    #[arg(long, value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Common name that the client certificate must have; may be repeated [default: any]
    #[arg(long, value_name = "NAME", requires = "client_ca")]
    pub client_cn: Vec<String>,
    /// Oldest version of TLS
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = TlsVersion::V1_2)]
    pub tls_min_version: TlsVersion,
    /// Lifetime of a new serving certificate, which is rotated after two thirds of it
    #[arg(long, value_name = "DURATION", default_value = "2160h", value_parser = lifetime)]
    pub cert_lifetime: Duration,
    /// Lifetime of a new CA, which is rotated after two thirds of it and trusted until its end
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = lifetime)]
    pub ca_lifetime: Duration,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsVersion {
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
}

impl TlsVersion {
    /// This version and the newer ones.
    pub(super) fn and_newer(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            TlsVersion::V1_2 => vec![&TLS13, &TLS12],
            TlsVersion::V1_3 => vec![&TLS13],
        }
    }
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
