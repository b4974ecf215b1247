//! A serving certificate with its chain and key, read from PEM or made by an authority.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use rcgen::KeyPair;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use yasna::ASN1Error;

use super::pem::{certificate, private_key};
use super::validity::Validity;
use super::x509;

#[derive(Clone, Debug)]
pub struct ServingCertificate {
    /// What a handshake needs.
    pub(super) key: CertifiedKey,
    pub(super) validity: Validity,
    certificate_pem: String,
    key_pem: String,
}

/// A PEM text, with the name of its file or of its key in the Secret.
pub(super) struct PemText<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// Why a certificate and key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServingCertificateError {
    #[error("{file}: {source}")]
    Read { file: String, source: io::Error },
    #[error("{file}: is not PEM: {source}")]
    NotPem { file: String, source: pem::Error },
    #[error("{file}: holds no certificate")]
    NoCertificate { file: String },
    #[error("{file}: is not an X.509 certificate: {source}")]
    NotX509 { file: String, source: ASN1Error },
    #[error("{file}: the certificate has expired")]
    Expired { file: String },
    #[error("{key_file}: holds no private key: {source}")]
    NoKey {
        key_file: String,
        source: pem::Error,
    },
    #[error("{key_file}: is not the key of the certificate in {file}")]
    OtherKey { file: String, key_file: String },
    #[error("{file} and {key_file}: cannot be used: {source}")]
    Unusable {
        file: String,
        key_file: String,
        source: Error,
    },
}

impl ServingCertificate {
    /// Reads the chain and the key of its first certificate from two files.
    pub(super) fn read(
        certificate: &Path,
        key: &Path,
        now: SystemTime,
    ) -> Result<Self, ServingCertificateError> {
        let (certificate_text, key_text) = (read(certificate)?, read(key)?);
        let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
        let text = |name, text| PemText { name, text };
        Self::of_pem(
            &text(&certificate, &certificate_text),
            &text(&key, &key_text),
            now,
        )
    }

    /// Reads the chain and the key of its first certificate.
    pub(super) fn of_pem(
        certificate: &PemText<'_>,
        key: &PemText<'_>,
        now: SystemTime,
    ) -> Result<Self, ServingCertificateError> {
        use ServingCertificateError as E;
        let file = || certificate.name.to_owned();
        let key_file = || key.name.to_owned();
        let chain = CertificateDer::pem_slice_iter(certificate.text.as_bytes());
        let chain: Result<Vec<_>, _> = chain.collect();
        let chain = chain.map_err(|source| E::NotPem {
            file: file(),
            source,
        })?;
        let first = chain.first();
        let first = first.ok_or_else(|| E::NoCertificate { file: file() })?;
        let validity = x509::validity(first).map_err(|source| E::NotX509 {
            file: file(),
            source,
        })?;
        if validity.not_after <= now {
            return Err(E::Expired { file: file() });
        }
        let private = PrivateKeyDer::from_pem_slice(key.text.as_bytes());
        let private = private.map_err(|source| E::NoKey {
            key_file: key_file(),
            source,
        })?;
        let certified = certify(chain, private).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => E::OtherKey {
                file: file(),
                key_file: key_file(),
            },
            source => E::Unusable {
                file: file(),
                key_file: key_file(),
                source,
            },
        })?;
        Ok(Self {
            key: certified,
            validity,
            certificate_pem: certificate.text.to_owned(),
            key_pem: key.text.to_owned(),
        })
    }

    pub(super) fn issued(
        der: CertificateDer<'static>,
        key: &KeyPair,
        validity: Validity,
    ) -> Result<Self, Error> {
        let certificate_pem = certificate(&der);
        let private = PrivateKeyDer::Pkcs8(key.serialized_der().to_vec().into());
        Ok(Self {
            key: certify(vec![der], private)?,
            validity,
            certificate_pem,
            key_pem: private_key(key.serialized_der()),
        })
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Whether the certificate is valid for these names and addresses and for no others.
    pub(super) fn is_for(&self, names: &[String]) -> bool {
        let certificate = self.key.cert.first();
        certificate.is_some_and(|certificate| x509::is_for(certificate, names))
    }
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, Error> {
    CertifiedKey::from_der(chain, key, &ring::default_provider())
}

/// A text in any encoding may stand around the PEM sections.
fn read(path: &Path) -> Result<String, ServingCertificateError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source) => Err(ServingCertificateError::Read {
            file: path.display().to_string(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::pki::authority::{Authority, SERVING_LIFETIME};

    const YEAR: Duration = Duration::from_hours(24 * 365);

    fn made(now: SystemTime) -> ServingCertificate {
        let validity = Validity::starting(now, SERVING_LIFETIME);
        let authority = Authority::new(validity).unwrap();
        authority.issue(&[], validity).unwrap()
    }

    #[test]
    fn names_the_file_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let now = UNIX_EPOCH + YEAR * 56;
        let (serving, other) = (made(now), made(now));
        std::fs::write(at("crt"), serving.certificate_pem()).unwrap();
        std::fs::write(at("key"), serving.key_pem()).unwrap();
        std::fs::write(at("other"), other.key_pem()).unwrap();
        std::fs::write(at("torn"), &serving.certificate_pem()[..100]).unwrap();
        let read = |certificate: &str, key: &str, now| {
            let read = ServingCertificate::read(&at(certificate), &at(key), now);
            let folder = format!("{}/", folder.path().display());
            read.map(|_| ())
                .map_err(|error| error.to_string().replace(&folder, ""))
        };
        assert_eq!(read("crt", "key", now), Ok(()));
        let error = |certificate, key, now| read(certificate, key, now).unwrap_err();
        assert_eq!(
            error("crt", "other", now),
            "other: is not the key of the certificate in crt"
        );
        assert_eq!(
            error("crt", "key", now + 2 * YEAR),
            "crt: the certificate has expired"
        );
        assert_eq!(error("key", "key", now), "key: holds no certificate");
        assert!(error("crt", "crt", now).starts_with("crt: holds no private key"));
        assert!(error("torn", "key", now).starts_with("torn: is not PEM"));
        assert!(error("none", "key", now).starts_with("none: No such file"));
    }
}
