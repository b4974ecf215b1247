//! A CA and the serving certificates that it signs: for `serve` without a certificate, and for `certs`.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

/// A CA with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A serving certificate with its key.
pub struct Serving {
    pub certificate: Certificate,
    pub key: KeyPair,
    pub life: Life,
}

/// From when to when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub begins: SystemTime,
    pub ends: SystemTime,
}

impl Authority {
    /// A new CA.
    pub fn new(life: Life) -> Result<Self, Error> {
        let mut params = subject();
        params.not_before = life.begins.into();
        params.not_after = life.ends.into();
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { issuer, pem })
    }

    /// One that [`Authority::new`] made. Whether the key is that of the certificate shows in what it signs.
    pub fn load(pem: String, key: &str) -> Result<Self, Error> {
        let issuer = Issuer::new(subject(), KeyPair::from_pem(key)?);
        Ok(Self { issuer, pem })
    }

    /// A new certificate and key for names and addresses.
    pub fn issue(&self, names: &[String], life: Life) -> Result<Serving, Error> {
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "rollout-guard");
        params.not_before = life.begins.into();
        params.not_after = life.ends.into();
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Serving {
            certificate,
            key,
            life,
        })
    }

    /// The CA's certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

impl Life {
    /// From now on, and a little before for clocks that are behind.
    pub fn starting(now: SystemTime, length: Duration) -> Self {
        Self {
            begins: now - skew(length),
            ends: now + length,
        }
    }

    /// The same, ended by `end` at the latest.
    #[must_use]
    pub fn until(self, end: SystemTime) -> Self {
        let ends = self.ends.min(end);
        Self { ends, ..self }
    }

    /// Two thirds of it, or of a new one of this length if that would be shorter.
    pub fn two_thirds(&self, length: Duration) -> SystemTime {
        let own = self.ends.duration_since(self.begins).unwrap_or_default();
        self.begins + own.min(length + skew(length)) * 2 / 3
    }
}

/// What every serving certificate is for, and the names and addresses given.
pub fn with_local_names(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = LOCAL.map(str::to_owned).into();
    for name in names {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// A CA but for its life and key.
fn subject() -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "rollout-guard CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// How far the clock of who verifies may be behind.
fn skew(length: Duration) -> Duration {
    (length / 10).min(Duration::from_hours(1))
}

/// The Service of the Helm chart, as the API server calls it.
pub const DEFAULT_DNS: &str = "rollout-guard.rollout-guard.svc";
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_hours(24);
/// Of certificates for development.
pub const CA_LIFE: Duration = DAY.saturating_mul(3650);
pub const SERVING_LIFE: Duration = DAY.saturating_mul(365);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn two_thirds_come_well_before_the_end_of_the_shortest_life() {
        for seconds in [10, 30, 60, 7_776_000, 31_536_000] {
            let length = Duration::from_secs(seconds);
            let now = UNIX_EPOCH + DAY * 20_000;
            let life = Life::starting(now, length);
            let due = life.two_thirds(length).duration_since(now).unwrap();
            assert!(due > length * 6 / 10 && due < length * 7 / 10, "{due:?}");
            let shorter = life.two_thirds(length / 2);
            assert!(shorter < now + length / 2, "an older certificate, too");
        }
    }
}
