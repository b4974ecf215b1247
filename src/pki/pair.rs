//! A certificate and its key as rustls takes them, from PEM.

use std::path::Path;
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::x509;
use crate::pki::authority::{Life, Serving};

/// What a handshake needs.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub key: CertifiedKey,
    pub life: Life,
}

/// A text with the name by which messages call it.
pub(super) struct Named<'a> {
    pub name: &'a str,
    pub text: &'a [u8],
}

impl Pair {
    /// Reads both files; the message names the one that is wrong.
    pub fn read(certificate: &Path, key: &Path, now: SystemTime) -> Result<Self, String> {
        let (name, text) = (certificate.display().to_string(), file(certificate)?);
        let (key_name, key_text) = (key.display().to_string(), file(key)?);
        let (name, text) = (name.as_str(), text.as_slice());
        let key = Named {
            name: &key_name,
            text: &key_text,
        };
        Self::of_pem(&Named { name, text }, &key, now)
    }

    /// A chain and the key of its first certificate.
    pub fn of_pem(
        certificate: &Named<'_>,
        key: &Named<'_>,
        now: SystemTime,
    ) -> Result<Self, String> {
        let (shown, key_shown) = (certificate.name, key.name);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.text).collect();
        let chain = chain.map_err(|error| format!("{shown}: is not PEM: {error}"))?;
        let Some(first) = chain.first() else {
            return Err(format!("{shown}: holds no certificate"));
        };
        let life = x509::life(first)
            .map_err(|error| format!("{shown}: is not an X.509 certificate: {error}"))?;
        if life.ends <= now {
            return Err(format!("{shown}: the certificate has expired"));
        }
        let secret = PrivateKeyDer::from_pem_slice(key.text)
            .map_err(|error| format!("{key_shown}: holds no private key: {error}"))?;
        let certified = certify(chain, secret);
        let key = certified.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                format!("{key_shown}: is not the key of the certificate in {shown}")
            }
            error => format!("{shown} and {key_shown}: cannot be used: {error}"),
        })?;
        Ok(Self { key, life })
    }

    /// A certificate that was made here.
    pub fn of(serving: Serving) -> Result<Self, Error> {
        let chain = vec![serving.certificate.der().clone()];
        Ok(Self {
            key: certify(chain, serving.key.into())?,
            life: serving.life,
        })
    }
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, Error> {
    CertifiedKey::from_der(chain, key, &ring::default_provider())
}

fn file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::pki::authority::{Authority, SERVING_LIFE};

    const YEAR: Duration = Duration::from_hours(24 * 365);

    fn made(now: SystemTime) -> Serving {
        let life = Life::starting(now, SERVING_LIFE);
        Authority::new(life).unwrap().issue(&[], life).unwrap()
    }

    #[test]
    fn says_which_file_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let now = UNIX_EPOCH + YEAR * 56;
        let (serving, other) = (made(now), made(now));
        std::fs::write(at("crt"), serving.certificate.pem()).unwrap();
        std::fs::write(at("key"), serving.key.serialize_pem()).unwrap();
        std::fs::write(at("other"), other.key.serialize_pem()).unwrap();
        std::fs::write(at("torn"), &serving.certificate.pem()[..100]).unwrap();
        let read = |certificate: &str, key: &str, now| {
            let read = Pair::read(&at(certificate), &at(key), now);
            read.map(|_| ())
                .map_err(|error| error.replace(&format!("{}/", folder.path().display()), ""))
        };
        assert_eq!(read("crt", "key", now), Ok(()));
        let said = |certificate, key, now| read(certificate, key, now).unwrap_err();
        assert_eq!(
            said("crt", "other", now),
            "other: is not the key of the certificate in crt"
        );
        assert_eq!(
            said("crt", "key", now + 2 * YEAR),
            "crt: the certificate has expired"
        );
        assert_eq!(said("key", "key", now), "key: holds no certificate");
        assert!(said("crt", "crt", now).starts_with("crt: holds no private key"));
        assert!(said("torn", "key", now).starts_with("torn: is not PEM"));
        assert!(said("none", "key", now).starts_with("none: No such file"));
    }
}
