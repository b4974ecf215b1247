//! The CAs, the key and the serving certificate of the Secret that can be used now.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject, SectionKind};

use super::authority::{Authority, AuthorityError};
use super::pem::certificate;
use super::secret::SecretData;
use super::serving_certificate::{PemText, ServingCertificate, ServingCertificateError};
use super::validity::Validity;
use super::x509;

pub(super) struct CertificateSet {
    /// Newest first; none has expired.
    pub authorities: Vec<CaCertificate>,
    /// The newest CA with its key.
    pub signer: Option<Authority>,
    /// A certificate that one of the authorities signed.
    pub serving: Option<ServingCertificate>,
    pub trusted_since: Option<SystemTime>,
    /// Why the rest of the Secret cannot be used. An empty Secret has no faults.
    pub faults: Vec<Fault>,
    /// Whether the Secret's `ca.crt` holds these authorities and nothing else.
    pub is_written: bool,
}

/// The certificate of a CA.
#[derive(Clone)]
pub(super) struct CaCertificate {
    der: CertificateDer<'static>,
    pub validity: Validity,
}

/// Why a part of the Secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("`ca.crt` holds no CA that can be used")]
    NoAuthority,
    #[error("`ca.crt`: is not PEM: {0}")]
    NotPem(#[source] pem::Error),
    #[error("`ca.crt`: not all of it are certificates")]
    NotCertificates,
    #[error("`ca.key` cannot be used: {0}")]
    Key(#[from] AuthorityError),
    #[error("`ca.key` is not the key of the first CA in `ca.crt`")]
    OtherKey,
    #[error(transparent)]
    Serving(#[from] ServingCertificateError),
    #[error("`tls.crt`: is of no CA in `ca.crt`")]
    OtherAuthority,
}

impl CertificateSet {
    pub fn read(data: &SecretData, now: SystemTime) -> Self {
        let mut faults = Vec::new();
        let authorities = authorities(&data.ca_crt, now, &mut faults);
        let signer = kept(signer(&authorities, &data.ca_key, now), &mut faults);
        let serving = kept(serving(&authorities, data, now), &mut faults);
        if data.is_empty() {
            faults.clear();
        }
        Self {
            is_written: bundle(&authorities) == data.ca_crt,
            authorities,
            signer,
            serving,
            trusted_since: data.trusted_since,
            faults,
        }
    }

    /// Fills what is missing from what the Secret held before. CAs that were trusted stay trusted.
    pub fn or_before(mut self, before: &SecretData, now: SystemTime) -> Self {
        if self.is_complete() {
            return self;
        }
        let before = Self::read(before, now);
        self.is_written = false;
        for authority in before.authorities {
            add(&mut self.authorities, authority);
        }
        self.serving = self.serving.or(before.serving);
        self
    }

    /// Whether certificates can be served and signed.
    pub fn is_complete(&self) -> bool {
        self.signer.is_some() && self.serving.is_some()
    }

    /// The authorities in PEM: the value of `ca.crt` and of every `caBundle`.
    pub fn bundle(&self) -> String {
        bundle(&self.authorities)
    }

    /// Whether the newest CA signed the serving certificate.
    pub fn serves_by_newest(&self) -> bool {
        let (Some(serving), Some(newest)) = (&self.serving, self.authorities.first()) else {
            return false;
        };
        let not_before = serving.validity.not_before;
        is_signed_by(serving, std::slice::from_ref(newest), not_before)
    }

    /// What to write into the Secret.
    pub fn data(&self) -> SecretData {
        let serving = self.serving.as_ref();
        let text = |text: fn(&ServingCertificate) -> &str| {
            serving.map(text).unwrap_or_default().to_owned()
        };
        let signer = self.signer.as_ref();
        SecretData {
            ca_crt: self.bundle(),
            ca_key: signer.map(Authority::key_pem).unwrap_or_default(),
            tls_crt: text(ServingCertificate::certificate_pem),
            tls_key: text(ServingCertificate::key_pem),
            trusted_since: self.trusted_since,
        }
    }
}

impl CaCertificate {
    /// `None` if it is not the certificate of a CA.
    pub fn of(der: CertificateDer<'static>) -> Option<Self> {
        let validity = x509::validity(&der).ok()?;
        webpki::anchor_from_trusted_cert(&der).ok()?;
        Some(Self { der, validity })
    }
}

/// The CAs of a bundle that have not expired.
fn authorities(text: &str, now: SystemTime, faults: &mut Vec<Fault>) -> Vec<CaCertificate> {
    let mut authorities = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let Some((_, der)) = kept(section.map_err(Fault::NotPem), faults) else {
            continue;
        };
        match CaCertificate::of(CertificateDer::from(der)) {
            Some(authority) if authority.validity.not_after > now => {
                add(&mut authorities, authority);
            }
            Some(_) => {}
            None => faults.push(Fault::NotCertificates),
        }
    }
    authorities
}

/// Adds a CA that is not among the others.
fn add(authorities: &mut Vec<CaCertificate>, new: CaCertificate) {
    if !authorities.iter().any(|known| known.der == new.der) {
        authorities.push(new);
    }
}

/// The newest CA, if this is its key: its certificate must verify what the key signs.
fn signer(authorities: &[CaCertificate], key: &str, now: SystemTime) -> Result<Authority, Fault> {
    let newest = authorities.first().ok_or(Fault::NoAuthority)?;
    let authority = Authority::load(newest.der.clone(), key)?;
    let trial = authority.issue(&[], newest.validity)?;
    if is_signed_by(&trial, std::slice::from_ref(newest), now) {
        Ok(authority)
    } else {
        Err(Fault::OtherKey)
    }
}

fn serving(
    authorities: &[CaCertificate],
    data: &SecretData,
    now: SystemTime,
) -> Result<ServingCertificate, Fault> {
    let text = |name, text| PemText { name, text };
    let serving = ServingCertificate::of_pem(
        &text("`tls.crt`", &data.tls_crt),
        &text("`tls.key`", &data.tls_key),
        now,
    )?;
    if is_signed_by(&serving, authorities, now) {
        Ok(serving)
    } else {
        Err(Fault::OtherAuthority)
    }
}

/// A clock that is behind the one that set `not_before` does not make a certificate invalid.
fn is_signed_by(
    serving: &ServingCertificate,
    authorities: &[CaCertificate],
    now: SystemTime,
) -> bool {
    let authorities: Vec<_> = authorities.iter().map(|one| one.der.clone()).collect();
    let at = now.max(serving.validity.not_before);
    x509::verifies(&serving.key.cert, &authorities, at)
}

fn bundle(authorities: &[CaCertificate]) -> String {
    let certificates = authorities.iter().map(|one| certificate(&one.der));
    certificates.collect()
}

fn kept<T>(result: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::pki::rotation::{Policy, Step};

    const LIFETIME: Duration = Duration::from_hours(1);

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn made() -> SecretData {
        let policy = Policy::new(&[], LIFETIME, LIFETIME).unwrap();
        let empty = CertificateSet::read(&SecretData::default(), now());
        policy.apply(Step::MakeAuthority, empty, now()).unwrap()
    }

    fn faults(change: impl FnOnce(&mut SecretData)) -> String {
        let mut data = made();
        change(&mut data);
        let set = CertificateSet::read(&data, now());
        let faults = set.faults.iter().map(Fault::to_string);
        faults.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn names_each_fault() {
        let other = made();
        assert_eq!(faults(|_| {}), "");
        assert_eq!(faults(|data| *data = SecretData::default()), "");
        let fault = faults(|data| data.ca_key.clone_from(&other.ca_key));
        assert_eq!(fault, "`ca.key` is not the key of the first CA in `ca.crt`");
        let fault = faults(|data| data.ca_key.clear());
        assert!(fault.starts_with("`ca.key` cannot be used: "), "{fault}");
        let fault = faults(|data| data.tls_key.clone_from(&other.tls_key));
        assert_eq!(
            fault,
            "`tls.key`: is not the key of the certificate in `tls.crt`"
        );
        let fault = faults(|data| {
            data.tls_crt.clone_from(&other.tls_crt);
            data.tls_key.clone_from(&other.tls_key);
        });
        assert_eq!(fault, "`tls.crt`: is of no CA in `ca.crt`");
        let fault = faults(|data| data.ca_crt.clear());
        assert!(
            fault.starts_with("`ca.crt` holds no CA that can be used; "),
            "{fault}"
        );
    }

    #[test]
    fn what_is_missing_is_taken_from_before() {
        let (before, mut damaged) = (made(), made());
        let new_bundle = damaged.ca_crt.clone();
        damaged.tls_key.clear();
        let filled = CertificateSet::read(&damaged, now()).or_before(&before, now());
        assert_eq!(filled.bundle(), new_bundle + &before.ca_crt);
        assert!(!filled.is_written, "it has to be written");
        let data = filled.data();
        assert_eq!(
            (data.ca_key, data.tls_crt),
            (damaged.ca_key, before.tls_crt.clone())
        );
        let complete = made();
        let kept = CertificateSet::read(&complete, now()).or_before(&before, now());
        assert_eq!(kept.data(), complete, "a complete Secret stays as it is");
        let late = now() + LIFETIME * 2;
        let filled = CertificateSet::read(&SecretData::default(), late).or_before(&before, late);
        assert!(filled.authorities.is_empty() && filled.serving.is_none());
    }
}
