//! A certificate and its key as rustls takes them, from PEM files.

use std::path::Path;
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag};

use super::authority::Serving;

/// What a handshake needs.
pub(super) struct Pair {
    pub key: CertifiedKey,
    pub expires: SystemTime,
}

impl Pair {
    /// Reads both files; the message names the one that is wrong.
    pub fn read(certificate: &Path, key: &Path, now: SystemTime) -> Result<Self, String> {
        let (shown, key_shown) = (certificate.display(), key.display());
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&file(certificate)?).collect();
        let chain = chain.map_err(|error| format!("{shown}: is not PEM: {error}"))?;
        let Some(first) = chain.first() else {
            return Err(format!("{shown}: holds no certificate"));
        };
        let expires = expiry(first)
            .map_err(|error| format!("{shown}: is not an X.509 certificate: {error}"))?;
        if expires <= now {
            return Err(format!("{shown}: the certificate has expired"));
        }
        let secret = PrivateKeyDer::from_pem_slice(&file(key)?)
            .map_err(|error| format!("{key_shown}: holds no private key: {error}"))?;
        let certified = certify(chain, secret);
        let key = certified.map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                format!("{key_shown}: is not the key of the certificate in {shown}")
            }
            error => format!("{shown} and {key_shown}: cannot be used: {error}"),
        })?;
        Ok(Self { key, expires })
    }

    /// A certificate that was made here.
    pub fn of(serving: Serving) -> Result<Self, Error> {
        let chain = vec![serving.certificate.der().clone()];
        Ok(Self {
            key: certify(chain, serving.key.into())?,
            expires: serving.expires,
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

/// `notAfter` of a certificate (RFC 5280, 4.1).
fn expiry(certificate: &CertificateDer<'_>) -> ASN1Result<SystemTime> {
    yasna::parse_der(certificate, |certificate| {
        certificate.read_sequence(|parts| {
            let expires = parts.next().read_sequence(|fields| {
                // version, then serialNumber, signature and issuer.
                fields.read_optional(|field| field.read_tagged(Tag::context(0), skip))?;
                for _ in 0..3 {
                    skip(fields.next())?;
                }
                let expires = fields.next().read_sequence(|validity| {
                    skip(validity.next())?;
                    time(validity)
                })?;
                while fields.read_optional(skip)?.is_some() {}
                Ok(expires)
            })?;
            while parts.read_optional(skip)?.is_some() {}
            Ok(expires)
        })
    })
}

fn skip(field: BERReader<'_, '_>) -> ASN1Result<()> {
    field.read_der().map(drop)
}

/// UTCTime until 2049, GeneralizedTime after.
fn time(validity: &mut BERReaderSeq<'_, '_>) -> ASN1Result<SystemTime> {
    let short = |time: BERReader<'_, '_>| Ok((*time.read_utctime()?.datetime()).into());
    match validity.read_optional(short)? {
        Some(time) => Ok(time),
        None => Ok((*validity.next().read_generalized_time()?.datetime()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::serve::authority::Authority;

    const YEAR: Duration = Duration::from_hours(24 * 365);

    fn made(now: SystemTime) -> Serving {
        Authority::new(&[], now).unwrap().issue(now).unwrap()
    }

    #[test]
    fn reads_when_a_certificate_expires() {
        for year in [2026 - 1970, 2060 - 1970] {
            let serving = made(UNIX_EPOCH + YEAR * year);
            let read = expiry(serving.certificate.der()).unwrap();
            assert_eq!(read, serving.expires);
        }
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
