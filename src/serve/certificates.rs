//! The certificate of the next handshake: read from files and read again when they change, or made here
//! and renewed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::authority::Authority;
use super::pair::Pair;
use super::watch::Watch;
use super::{Error, Metrics, Options};

/// Answers every handshake with the newest good certificate.
#[derive(Clone)]
pub(super) struct Certificates {
    current: Arc<ArcSwap<CertifiedKey>>,
    metrics: Arc<Metrics>,
}

impl Certificates {
    /// Those of the files, or made ones whose CA is written for clients.
    pub fn start(options: &Options, metrics: &Arc<Metrics>) -> Result<Self, Error> {
        let started = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => Self::of_files(certificate, key, metrics),
            _ => Self::made(options, metrics),
        };
        started.map_err(Error::Certificate)
    }

    /// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    pub fn tls_config(self) -> Result<ServerConfig, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Error::Certificate(error.to_string()))?;
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn of_files(certificate: &Path, key: &Path, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let files = vec![certificate.clone(), key.clone()];
        let watch = Watch::of(move || Ok(files.clone()));
        let pair = Pair::read(&certificate, &key, SystemTime::now())?;
        let certificates = Self::of(pair, metrics);
        let renewed = certificates.clone();
        watch.spawn(
            move || match Pair::read(&certificate, &key, SystemTime::now()) {
                Ok(pair) => {
                    tracing::info!("the certificate changed: {}", certificate.display());
                    renewed.replace(pair);
                }
                Err(error) => {
                    renewed.metrics.certificate_failed();
                    tracing::warn!("the certificate changed, and the last good one stays: {error}");
                }
            },
        );
        Ok(certificates)
    }

    fn made(options: &Options, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let unmade = |error| format!("cannot make a certificate for `--dns`: {error}");
        let authority = Authority::new(&options.dns, SystemTime::now()).map_err(unmade)?;
        let pair = issue(&authority)?;
        let file = options.ca_file.display();
        std::fs::write(&options.ca_file, authority.pem())
            .map_err(|error| format!("`--ca-file {file}` cannot be written: {error}"))?;
        let certificates = Self::of(pair, metrics);
        tokio::spawn(certificates.clone().renew(authority));
        Ok(certificates)
    }

    /// A new certificate of the same CA, long before the old one expires.
    async fn renew(self, authority: Authority) {
        loop {
            tokio::time::sleep(RENEW).await;
            match issue(&authority) {
                Ok(pair) => self.replace(pair),
                Err(error) => {
                    self.metrics.certificate_failed();
                    tracing::error!("{error}");
                }
            }
        }
    }

    fn of(pair: Pair, metrics: &Arc<Metrics>) -> Self {
        metrics.certificate_expires(pair.expires);
        Self {
            current: Arc::new(ArcSwap::from_pointee(pair.key)),
            metrics: Arc::clone(metrics),
        }
    }

    fn replace(&self, pair: Pair) {
        self.metrics.certificate_expires(pair.expires);
        self.current.store(Arc::new(pair.key));
    }
}

fn issue(authority: &Authority) -> Result<Pair, String> {
    let unmade = |error: &dyn fmt::Display| format!("cannot make a certificate: {error}");
    let serving = authority
        .issue(SystemTime::now())
        .map_err(|error| unmade(&error))?;
    Pair::of(serving).map_err(|error| unmade(&error))
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// A certificate made here lives for a year.
const RENEW: Duration = Duration::from_hours(24 * 30);
