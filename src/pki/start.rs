//! Where the serving certificate comes from: from files, which are read again when they change; from a Secret that all
//! replicas share; or made here and renewed.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kube::Client;
use tokio::sync::{oneshot, watch};

use super::authority::{
    Authority, AuthorityError, CA_LIFETIME, SERVING_LIFETIME, with_local_names,
};
use super::certificate_keeper::CertificateKeeper;
use super::cluster_objects::ClusterObjects;
use super::error::Error;
use super::options::TlsOptions;
use super::resolver::CertificateResolver;
use super::rotation::Policy;
use super::serving_certificate::{ServingCertificate, ServingCertificateError};
use super::validity::Validity;
use crate::files::watch::FileWatch;
use crate::metrics::Metrics;

/// A certificate made here is valid for a year.
const RENEWAL_INTERVAL: Duration = Duration::from_hours(24 * 30);

/// This process as one of the replicas in a live cluster.
pub struct Replica<'a> {
    pub client: &'a Client,
    /// The namespace of the replicas and of their Secret.
    pub namespace: &'a str,
    /// Whether this replica leads.
    pub leading: watch::Receiver<bool>,
}

/// Returns as soon as there is a certificate to serve, which is replaced for as long as the runtime lives. A replica
/// waits until the leader has written the Secret.
pub async fn start(
    options: &TlsOptions,
    replica: Option<Replica<'_>>,
    metrics: &Arc<Metrics>,
) -> Result<CertificateResolver, Error> {
    match (&options.tls_cert, &options.tls_key, &options.tls_secret) {
        (Some(certificate), Some(key), _) => Ok(of_files(certificate, key, metrics)?),
        (_, _, Some(secret)) => of_secret(secret, options, replica, metrics).await,
        _ => made(options, metrics),
    }
}

fn of_files(
    certificate: &Path,
    key: &Path,
    metrics: &Arc<Metrics>,
) -> Result<CertificateResolver, ServingCertificateError> {
    let (certificate, key) = (certificate.to_owned(), key.to_owned());
    let files = vec![certificate.clone(), key.clone()];
    let watch = FileWatch::new(move || Ok::<_, Infallible>(files.clone()));
    let file = certificate.display().to_string();
    let read = move || ServingCertificate::read(&certificate, &key, SystemTime::now());
    let resolver = CertificateResolver::of(read()?, metrics);
    let renewed = resolver.clone();
    watch.spawn(move || match read() {
        Ok(certificate) => {
            tracing::info!(file, "the certificate changed");
            renewed.replace(certificate);
        }
        Err(error) => {
            renewed.metrics.certificate_failed();
            tracing::warn!(
                error = error.to_string(),
                "the certificate changed and cannot be used, the last good one stays"
            );
        }
    });
    Ok(resolver)
}

async fn of_secret(
    secret: &str,
    options: &TlsOptions,
    replica: Option<Replica<'_>>,
    metrics: &Arc<Metrics>,
) -> Result<CertificateResolver, Error> {
    let replica = replica.ok_or(Error::NoCluster)?;
    let resolver = CertificateResolver::empty(metrics);
    let objects = ClusterObjects {
        client: replica.client.clone(),
        namespace: replica.namespace.to_owned(),
        secret: secret.to_owned(),
        configuration: options.webhook_configuration.clone(),
    };
    let policy = Policy::new(&options.dns, options.ca_lifetime, options.cert_lifetime)?;
    let (ready, is_ready) = oneshot::channel();
    let keeper = CertificateKeeper::new(objects, policy, replica.leading, resolver.clone(), ready);
    tracing::info!(
        secret,
        "waits until the Secret holds a certificate; the leader makes it"
    );
    tokio::spawn(keeper.run());
    let ended = |_| Error::KeeperEnded(secret.to_owned());
    is_ready.await.map_err(ended)?;
    Ok(resolver)
}

/// Makes a CA and a certificate, and writes the CA's certificate for clients.
fn made(options: &TlsOptions, metrics: &Arc<Metrics>) -> Result<CertificateResolver, Error> {
    let authority = Authority::new(Validity::starting(SystemTime::now(), CA_LIFETIME))?;
    let names = with_local_names(&options.dns);
    let certificate = issue(&authority, &names)?;
    let file = &options.ca_file;
    fs::write(file, authority.certificate_pem()).map_err(|source| Error::CaFile {
        file: file.clone(),
        source,
    })?;
    let resolver = CertificateResolver::of(certificate, metrics);
    tokio::spawn(renew(resolver.clone(), authority, names));
    Ok(resolver)
}

/// Issues a certificate of the same CA long before the last one expires.
async fn renew(resolver: CertificateResolver, authority: Authority, names: Vec<String>) {
    loop {
        tokio::time::sleep(RENEWAL_INTERVAL).await;
        match issue(&authority, &names) {
            Ok(certificate) => resolver.replace(certificate),
            Err(error) => {
                resolver.metrics.certificate_failed();
                tracing::error!(
                    error = error.to_string(),
                    "the certificate cannot be renewed"
                );
            }
        }
    }
}

fn issue(authority: &Authority, names: &[String]) -> Result<ServingCertificate, AuthorityError> {
    let validity = Validity::starting(SystemTime::now(), SERVING_LIFETIME);
    authority.issue(names, validity)
}
