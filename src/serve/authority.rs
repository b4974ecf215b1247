//! A CA and the serving certificates that it signs: for `serve` without a certificate, and for `certs`.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// A CA with its key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What its serving certificates are for.
    names: Vec<String>,
}

/// A serving certificate with its key.
pub struct Serving {
    pub certificate: Certificate,
    pub key: KeyPair,
    pub expires: SystemTime,
}

impl Authority {
    /// A new CA for localhost, 127.0.0.1, ::1 and the names and addresses given.
    pub fn new(names: &[String], now: SystemTime) -> Result<Self, Error> {
        let mut params = named("rollout-guard CA", Vec::new(), now, CA_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let mut all: Vec<String> = LOCAL.map(str::to_owned).into();
        all.extend(
            names
                .iter()
                .filter(|name| !LOCAL.contains(&name.as_str()))
                .cloned(),
        );
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            names: all,
        })
    }

    /// A new certificate and key.
    pub fn issue(&self, now: SystemTime) -> Result<Serving, Error> {
        let mut params = named("rollout-guard", self.names.clone(), now, SERVING_LIFE)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let expires = params.not_after.into();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Serving {
            certificate,
            key,
            expires,
        })
    }

    /// The CA's certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

fn named(
    common: &str,
    names: Vec<String>,
    now: SystemTime,
    life: Duration,
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common);
    params.not_before = (now - SKEW).into();
    params.not_after = (now + life).into();
    Ok(params)
}

const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_hours(24);
const CA_LIFE: Duration = DAY.saturating_mul(3650);
const SERVING_LIFE: Duration = DAY.saturating_mul(365);
/// How far the clock of who verifies may be behind.
const SKEW: Duration = Duration::from_hours(1);
