//! What the Secret holds: the texts, and what of them can be used.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;

use super::pair::{Named, Pair};
use super::x509;
use crate::pki::authority::{Authority, Life};

/// The values of the Secret's keys, and the annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// The CAs to be trusted, newest first.
    pub ca_crt: String,
    /// The key of the first of them.
    pub ca_key: String,
    pub tls_crt: String,
    pub tls_key: String,
    /// Since when whoever calls the webhook has been told of the newest CA, while the serving certificate
    /// is not yet of it.
    pub trusted_since: Option<SystemTime>,
}

/// What can be used of it now.
pub(super) struct Contents {
    /// Newest first, none expired.
    pub authorities: Vec<Trusted>,
    /// The first of them with its key.
    pub signer: Option<Authority>,
    pub serving: Option<Served>,
    pub trusted_since: Option<SystemTime>,
    /// Why the rest cannot be used.
    pub faults: Vec<String>,
    /// Whether `ca.crt` holds these authorities and nothing else.
    pub tidy: bool,
}

/// A CA's certificate.
#[derive(Clone)]
pub(super) struct Trusted {
    der: CertificateDer<'static>,
    pub life: Life,
}

/// A serving certificate that one of the authorities signed.
#[derive(Clone)]
pub(super) struct Served {
    pub pair: Pair,
    crt: String,
    key: String,
}

impl Texts {
    pub fn is_empty(&self) -> bool {
        let texts = [&self.ca_crt, &self.ca_key, &self.tls_crt, &self.tls_key];
        texts.iter().all(|text| text.is_empty())
    }
}

impl Contents {
    pub fn read(texts: &Texts, now: SystemTime) -> Self {
        let mut faults = Vec::new();
        let authorities = authorities(&texts.ca_crt, now, &mut faults);
        let mut contents = Self {
            tidy: bundle(&authorities) == texts.ca_crt,
            authorities,
            signer: None,
            serving: None,
            trusted_since: texts.trusted_since,
            faults: Vec::new(),
        };
        contents.signer = found(contents.signer(&texts.ca_key, now), &mut faults);
        contents.serving = found(contents.serving(texts, now), &mut faults);
        if !texts.is_empty() {
            contents.faults = faults;
        }
        contents
    }

    /// What is missing here is taken from what was there before, and what was trusted stays so.
    pub fn mend(mut self, before: &Texts, now: SystemTime) -> Self {
        if self.signer.is_some() && self.serving.is_some() {
            return self;
        }
        let before = Self::read(before, now);
        self.tidy = false;
        for authority in before.authorities {
            let known = |one: &Trusted| one.der == authority.der;
            if !self.authorities.iter().any(known) {
                self.authorities.push(authority);
            }
        }
        self.serving = self.serving.or(before.serving);
        self
    }

    /// The authorities as `ca.crt` and as caBundle.
    pub fn bundle(&self) -> String {
        bundle(&self.authorities)
    }

    /// Whether the serving certificate is of the newest CA.
    pub fn serves_by_newest(&self) -> bool {
        let (Some(serving), Some(newest)) = (&self.serving, self.authorities.first()) else {
            return false;
        };
        serving.is_of(std::slice::from_ref(newest), serving.pair.life.begins)
    }

    pub fn texts(&self) -> Texts {
        let serving = self.serving.as_ref();
        let text = |text: fn(&Served) -> &String| serving.map(text).cloned().unwrap_or_default();
        Texts {
            ca_crt: self.bundle(),
            ca_key: self
                .signer
                .as_ref()
                .map(Authority::key_pem)
                .unwrap_or_default(),
            tls_crt: text(|serving| &serving.crt),
            tls_key: text(|serving| &serving.key),
            trusted_since: self.trusted_since,
        }
    }

    /// The newest CA, if this is its key: shown by a signature that its certificate verifies.
    fn signer(&self, key: &str, now: SystemTime) -> Result<Authority, String> {
        let Some(newest) = self.authorities.first() else {
            return Err("`ca.crt` holds no CA that can be used".to_owned());
        };
        let pem = bundle(std::slice::from_ref(newest));
        let unusable = |error| format!("`ca.key` cannot be used: {error}");
        let authority = Authority::load(pem, key).map_err(unusable)?;
        let trial = authority.issue(&[], newest.life).map_err(unusable)?;
        let chain = [trial.certificate.der().clone()];
        let newest = std::slice::from_ref(&newest.der);
        if x509::verifies(&chain, newest, now.max(trial.life.begins)) {
            Ok(authority)
        } else {
            Err("`ca.key` is not the key of the first CA in `ca.crt`".to_owned())
        }
    }

    fn serving(&self, texts: &Texts, now: SystemTime) -> Result<Served, String> {
        let named = |name, text| Named { name, text };
        let pair = Pair::of_pem(
            &named("`tls.crt`", texts.tls_crt.as_bytes()),
            &named("`tls.key`", texts.tls_key.as_bytes()),
            now,
        )?;
        let served = Served {
            pair,
            crt: texts.tls_crt.clone(),
            key: texts.tls_key.clone(),
        };
        if served.is_of(&self.authorities, now) {
            Ok(served)
        } else {
            Err("`tls.crt`: is of no CA in `ca.crt`".to_owned())
        }
    }
}

impl Served {
    /// Made here just now.
    pub fn of(serving: crate::pki::authority::Serving) -> Result<Self, String> {
        let crt = serving.certificate.pem();
        let key = serving.key.serialize_pem();
        let unusable = |error| format!("a certificate that was made cannot be used: {error}");
        let pair = Pair::of(serving).map_err(unusable)?;
        Ok(Self { pair, crt, key })
    }

    pub fn is_for(&self, names: &[String]) -> bool {
        let certificate = self.pair.key.cert.first();
        certificate.is_some_and(|certificate| x509::is_for(certificate, names))
    }

    /// A clock that is behind the one that set `begins` is no fault of the certificate.
    fn is_of(&self, authorities: &[Trusted], now: SystemTime) -> bool {
        let authorities: Vec<_> = authorities.iter().map(|one| one.der.clone()).collect();
        let at = now.max(self.pair.life.begins);
        x509::verifies(&self.pair.key.cert, &authorities, at)
    }
}

impl Trusted {
    pub fn of(pem: &pem::Pem) -> Option<Self> {
        let der = CertificateDer::from(pem.contents().to_vec());
        let life = x509::life(&der).ok()?;
        webpki::anchor_from_trusted_cert(&der).ok()?;
        Some(Self { der, life })
    }
}

/// The CAs of a bundle that have not expired.
fn authorities(text: &str, now: SystemTime, faults: &mut Vec<String>) -> Vec<Trusted> {
    let read = pem::parse_many(text).map_err(|error| format!("`ca.crt`: is not PEM: {error}"));
    let mut authorities: Vec<Trusted> = Vec::new();
    for pem in found(read, faults).unwrap_or_default() {
        match Trusted::of(&pem) {
            Some(authority) if authority.life.ends > now => {
                if !authorities.iter().any(|known| known.der == authority.der) {
                    authorities.push(authority);
                }
            }
            Some(_) => {}
            None => faults.push("`ca.crt`: not all of it are certificates".to_owned()),
        }
    }
    authorities
}

fn bundle(authorities: &[Trusted]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let pems = authorities.iter().map(|authority| {
        let pem = pem::Pem::new("CERTIFICATE", authority.der.to_vec());
        pem::encode_config(&pem, config)
    });
    pems.collect()
}

fn found<T>(found: Result<T, String>, faults: &mut Vec<String>) -> Option<T> {
    found.map_err(|fault| faults.push(fault)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::pki::rotation::{Policy, Step};

    const LIFE: Duration = Duration::from_hours(1);

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn made() -> Texts {
        let policy = Policy::new(&[], LIFE, LIFE).unwrap();
        let empty = Contents::read(&Texts::default(), now());
        policy.take(Step::MakeAuthority, empty, now()).unwrap()
    }

    fn faults(change: impl FnOnce(&mut Texts)) -> String {
        let mut texts = made();
        change(&mut texts);
        Contents::read(&texts, now()).faults.join("; ")
    }

    #[test]
    fn says_what_is_damaged() {
        let other = made();
        assert_eq!(faults(|_| {}), "");
        assert_eq!(faults(|texts| *texts = Texts::default()), "");
        let said = faults(|texts| texts.ca_key.clone_from(&other.ca_key));
        assert_eq!(said, "`ca.key` is not the key of the first CA in `ca.crt`");
        let said = faults(|texts| texts.ca_key.clear());
        assert!(said.starts_with("`ca.key` cannot be used: "), "{said}");
        let said = faults(|texts| texts.tls_key.clone_from(&other.tls_key));
        assert_eq!(
            said,
            "`tls.key`: is not the key of the certificate in `tls.crt`"
        );
        let said = faults(|texts| {
            texts.tls_crt.clone_from(&other.tls_crt);
            texts.tls_key.clone_from(&other.tls_key);
        });
        assert_eq!(said, "`tls.crt`: is of no CA in `ca.crt`");
        let said = faults(|texts| texts.ca_crt.clear());
        assert!(
            said.starts_with("`ca.crt` holds no CA that can be used; "),
            "{said}"
        );
    }

    #[test]
    fn what_is_lost_is_taken_from_before() {
        let (before, mut damaged) = (made(), made());
        let new_bundle = damaged.ca_crt.clone();
        damaged.tls_key.clear();
        let mended = Contents::read(&damaged, now()).mend(&before, now());
        assert_eq!(mended.bundle(), new_bundle + &before.ca_crt);
        assert!(!mended.tidy, "it is to be written");
        let texts = mended.texts();
        assert_eq!(
            (texts.ca_key, texts.tls_crt),
            (damaged.ca_key, before.tls_crt.clone())
        );
        let whole = made();
        let kept = Contents::read(&whole, now()).mend(&before, now());
        assert_eq!(kept.texts(), whole, "what is whole is left alone");
        let late = now() + LIFE * 2;
        let mended = Contents::read(&Texts::default(), late).mend(&before, late);
        assert!(mended.authorities.is_empty() && mended.serving.is_none());
    }
}
