//! The certificate of the next handshake: read from files and read again when they change, or made here
//! and renewed, or kept in a Secret that all replicas share.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use kube::Client;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::{oneshot, watch};

use super::authority::{Authority, CA_LIFE, Life, SERVING_LIFE, with_local_names};
use super::contents::Texts;
use super::keeper::{Keeper, Said, Troubles};
use super::options::TlsOptions;
use super::pair::Pair;
use super::places::Places;
use super::rotation::Policy;
use crate::files::watch::Watch;
use crate::metrics::Metrics;

/// Answers every handshake with the newest good certificate.
#[derive(Clone)]
pub struct Certificates {
    pub(super) current: Arc<ArcSwapOption<CertifiedKey>>,
    pub(super) metrics: Arc<Metrics>,
}

/// One of several in a live cluster, and whether it leads.
pub struct Replica<'a> {
    pub client: &'a Client,
    /// Its namespace, which the Secret is in.
    pub namespace: &'a str,
    pub leading: watch::Receiver<bool>,
}

impl Certificates {
    /// Those of the files; or those of the Secret, as soon as there are any; or made ones whose CA is
    /// written for clients.
    pub async fn start(
        options: &TlsOptions,
        replica: Option<Replica<'_>>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, String> {
        match (&options.tls_cert, &options.tls_key, &options.tls_secret) {
            (Some(certificate), Some(key), _) => Self::of_files(certificate, key, metrics),
            (_, _, Some(secret)) => Self::of_secret(secret, options, replica, metrics).await,
            _ => Self::made(options, metrics),
        }
    }

    /// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    pub fn tls_config(self) -> Result<ServerConfig, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
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

    async fn of_secret(
        secret: &str,
        options: &TlsOptions,
        replica: Option<Replica<'_>>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, String> {
        let replica = replica.ok_or("`--tls-secret` needs a live cluster")?;
        let certificates = Self::none(metrics);
        let (served, ready) = oneshot::channel();
        let keeper = Keeper {
            places: Places {
                client: replica.client.clone(),
                namespace: replica.namespace.to_owned(),
                secret: secret.to_owned(),
                configuration: options.webhook_configuration.clone(),
            },
            policy: Policy::new(&options.dns, options.ca_lifetime, options.cert_lifetime)?,
            leading: replica.leading,
            certificates: certificates.clone(),
            served: Some(served),
            before: Texts::default(),
            troubles: Troubles::default(),
            damage: Said::default(),
        };
        tracing::info!("waits until Secret `{secret}` holds a certificate; the leader makes it");
        tokio::spawn(keeper.run());
        let ended = |_| format!("Secret `{secret}` is no longer looked after");
        ready.await.map_err(ended)?;
        Ok(certificates)
    }

    fn made(options: &TlsOptions, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let unmade = |error| format!("cannot make a certificate for `--dns`: {error}");
        let life = Life::starting(SystemTime::now(), CA_LIFE);
        let authority = Authority::new(life).map_err(unmade)?;
        let names = with_local_names(&options.dns);
        let pair = issue(&authority, &names)?;
        let file = options.ca_file.display();
        std::fs::write(&options.ca_file, authority.pem())
            .map_err(|error| format!("`--ca-file {file}` cannot be written: {error}"))?;
        let certificates = Self::of(pair, metrics);
        tokio::spawn(certificates.clone().renew(authority, names));
        Ok(certificates)
    }

    /// A new certificate of the same CA, long before the old one expires.
    async fn renew(self, authority: Authority, names: Vec<String>) {
        loop {
            tokio::time::sleep(RENEW).await;
            match issue(&authority, &names) {
                Ok(pair) => self.replace(pair),
                Err(error) => {
                    self.metrics.certificate_failed();
                    tracing::error!("{error}");
                }
            }
        }
    }

    fn of(pair: Pair, metrics: &Arc<Metrics>) -> Self {
        let certificates = Self::none(metrics);
        certificates.replace(pair);
        certificates
    }

    pub(super) fn none(metrics: &Arc<Metrics>) -> Self {
        Self {
            current: Arc::default(),
            metrics: Arc::clone(metrics),
        }
    }

    fn replace(&self, pair: Pair) {
        self.metrics.certificate_expires(pair.life.ends);
        self.current.store(Some(Arc::new(pair.key)));
    }

    /// Replaces it if it is another, and says whether it was.
    pub(super) fn adopt(&self, pair: Pair) -> bool {
        let current = self.current.load();
        let same = current
            .as_ref()
            .is_some_and(|current| current.cert == pair.key.cert);
        if !same {
            self.replace(pair);
        }
        !same
    }
}

fn issue(authority: &Authority, names: &[String]) -> Result<Pair, String> {
    let unmade = |error: &dyn fmt::Display| format!("cannot make a certificate: {error}");
    let life = Life::starting(SystemTime::now(), SERVING_LIFE);
    let serving = authority.issue(names, life);
    Pair::of(serving.map_err(|error| unmade(&error))?).map_err(|error| unmade(&error))
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// A certificate made here lives for a year.
const RENEW: Duration = Duration::from_hours(24 * 30);
