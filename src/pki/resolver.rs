//! The certificate of the next handshake, which the owner replaces while connections go on.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::callers::Callers;
use super::error::Error;
use super::options::TlsOptions;
use super::serving_certificate::ServingCertificate;
use crate::metrics::Metrics;

/// Gives every handshake the newest good certificate. Clones share it.
#[derive(Clone)]
pub struct CertificateResolver {
    current: Arc<ArcSwapOption<CertifiedKey>>,
    pub(super) metrics: Arc<Metrics>,
}

impl CertificateResolver {
    /// A resolver without a certificate: handshakes fail until there is one.
    pub(super) fn empty(metrics: &Arc<Metrics>) -> Self {
        Self {
            current: Arc::default(),
            metrics: Arc::clone(metrics),
        }
    }

    pub(super) fn of(certificate: ServingCertificate, metrics: &Arc<Metrics>) -> Self {
        let resolver = Self::empty(metrics);
        resolver.replace(certificate);
        resolver
    }

    /// TLS from the oldest version that the options allow, HTTP/2 before HTTP/1.1.
    ///
    /// # Errors
    /// A CA of client certificates that cannot be used.
    pub fn tls_config(self, options: &TlsOptions) -> Result<ServerConfig, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&options.tls_min_version.and_newer())?;
        let builder = match Callers::of(options, &self.metrics)? {
            Some(callers) => builder.with_client_cert_verifier(callers),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(self));
        if options.client_ca.is_some() {
            // A resumed session would be let in by a CA that has been replaced.
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    pub(super) fn replace(&self, certificate: ServingCertificate) {
        let expiry = certificate.validity.not_after;
        self.metrics.certificate_expires(expiry);
        self.current.store(Some(Arc::new(certificate.key)));
    }

    /// Replaces the certificate unless it is the same. Returns whether it replaced it.
    pub(super) fn adopt(&self, certificate: ServingCertificate) -> bool {
        let current = self.current.load();
        let is_new = current
            .as_ref()
            .is_none_or(|current| current.cert != certificate.key.cert);
        if is_new {
            self.replace(certificate);
        }
        is_new
    }

    /// The certificate in DER.
    #[cfg(test)]
    pub(super) fn current(&self) -> Option<Vec<u8>> {
        let current = self.current.load();
        current.as_ref().map(|key| key.cert[0].to_vec())
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

impl fmt::Debug for CertificateResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateResolver")
            .finish_non_exhaustive()
    }
}
