//! A CA that signs serving certificates.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::pem::{certificate, private_key};
use super::serving_certificate::ServingCertificate;
use super::validity::Validity;

/// The Service of the Helm chart, as the API server calls it.
pub const DEFAULT_DNS_NAME: &str = "rollout-guard.rollout-guard.svc";
/// Every serving certificate is valid for these names and addresses.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_hours(24);
/// Of a CA that no Secret keeps.
pub const CA_LIFETIME: Duration = DAY.saturating_mul(3650);
/// Of a serving certificate that no Secret keeps.
pub const SERVING_LIFETIME: Duration = DAY.saturating_mul(365);

/// A CA with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// Why a CA or a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error(transparent)]
    KeyNotPem(#[from] pem::Error),
    #[error(transparent)]
    Generate(#[from] rcgen::Error),
    #[error("a certificate that was made cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Authority {
    /// Makes a CA with a new key.
    pub fn new(validity: Validity) -> Result<Self, AuthorityError> {
        let mut params = ca_params();
        params.not_before = validity.not_before.into();
        params.not_after = validity.not_after.into();
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        let issuer = Issuer::new(params, key);
        Ok(Self {
            issuer,
            certificate,
        })
    }

    /// Loads a CA that [`Authority::new`] made. Does not check that the key in PEM is the certificate's.
    pub(super) fn load(
        certificate: CertificateDer<'static>,
        key: &str,
    ) -> Result<Self, AuthorityError> {
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let issuer = Issuer::new(ca_params(), KeyPair::try_from(&key)?);
        Ok(Self {
            issuer,
            certificate,
        })
    }

    /// Makes a serving certificate with a new key, valid for these DNS names and IP addresses.
    pub fn issue(
        &self,
        names: &[String],
        validity: Validity,
    ) -> Result<ServingCertificate, AuthorityError> {
        let mut params = CertificateParams::new(names)?;
        let subject = &mut params.distinguished_name;
        subject.push(DnType::CommonName, "rollout-guard");
        params.not_before = validity.not_before.into();
        params.not_after = validity.not_after.into();
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        Ok(ServingCertificate::issued(certificate, &key, validity)?)
    }

    pub fn certificate_pem(&self) -> String {
        certificate(&self.certificate)
    }

    pub fn key_pem(&self) -> String {
        private_key(self.issuer.key().serialized_der())
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// The local names and these, each once.
pub fn with_local_names(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = LOCAL_NAMES.map(str::to_owned).into();
    for name in names {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The certificate of a CA without its validity and key.
fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    let subject = &mut params.distinguished_name;
    subject.push(DnType::CommonName, "rollout-guard CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
