//! Who may call the webhook: clients whose certificate a CA signed, such as the API server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::options::TlsOptions;
use super::x509::common_names;
use crate::files::watch::FileWatch;
use crate::metrics::Metrics;

/// Verifies client certificates by the CA that was read last.
pub(super) struct Callers {
    authority: ArcSwap<Arc<dyn ClientCertVerifier>>,
    /// The common names that are let in; if there is none, all.
    names: Vec<String>,
}

/// Why a file is no CA of client certificates.
#[derive(Debug, thiserror::Error)]
pub enum ClientCaError {
    #[error("{}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}: is not PEM: {source}", file.display())]
    NotPem { file: PathBuf, source: pem::Error },
    #[error("{}: holds a certificate that cannot be a CA: {source}", file.display())]
    NotCa { file: PathBuf, source: Error },
    #[error("{}: holds no certificate", file.display())]
    Unusable {
        file: PathBuf,
        source: VerifierBuilderError,
    },
}

impl Callers {
    /// Reads the CA of `--client-ca`, and again whenever it changes. `None` without that flag.
    pub fn of(
        options: &TlsOptions,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, ClientCaError> {
        let Some(file) = options.client_ca.clone() else {
            return Ok(None);
        };
        let files = vec![file.clone()];
        let watch = FileWatch::new(move || Ok::<_, std::convert::Infallible>(files.clone()));
        let callers = Arc::new(Self {
            authority: ArcSwap::from_pointee(read(&file)?),
            names: options.client_cn.clone(),
        });
        let (renewed, metrics) = (Arc::clone(&callers), Arc::clone(metrics));
        watch.spawn(move || match read(&file) {
            Ok(authority) => {
                tracing::info!(file = %file.display(), "the CA of client certificates changed");
                renewed.authority.store(Arc::new(authority));
            }
            Err(error) => {
                metrics.certificate_failed();
                tracing::warn!(
                    error = error.to_string(),
                    "the CA of client certificates changed and cannot be used, the last good one stays"
                );
            }
        });
        Ok(Some(callers))
    }

    fn lets_in(&self, certificate: &CertificateDer<'_>) -> bool {
        let is_listed = |name: &String| self.names.contains(name);
        self.names.is_empty() || common_names(certificate).is_ok_and(|of| of.iter().any(is_listed))
    }
}

fn read(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, ClientCaError> {
    use ClientCaError as E;
    let own = || file.to_owned();
    let text = fs::read(file).map_err(|source| E::Read {
        file: own(),
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|source| E::NotPem {
            file: own(),
            source,
        })?;
        roots.add(certificate).map_err(|source| E::NotCa {
            file: own(),
            source,
        })?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    verifier.build().map_err(|source| E::Unusable {
        file: own(),
        source,
    })
}

impl ClientCertVerifier for Callers {
    /// None: the CA can change, and a client with one certificate sends it anyway.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let authority = self.authority.load();
        let verified = authority.verify_client_cert(certificate, between, now)?;
        if self.lets_in(certificate) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let authority = self.authority.load();
        authority.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let authority = self.authority.load();
        authority.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authority.load().supported_verify_schemes()
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").finish_non_exhaustive()
    }
}
