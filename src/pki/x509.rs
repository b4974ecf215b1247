//! What a certificate says: when it is valid, who signed it, for which names.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use yasna::tags::{TAG_PRINTABLESTRING, TAG_UTF8STRING};
use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag};

use super::validity::Validity;

/// `id-at-commonName`.
const COMMON_NAME: &[u64] = &[2, 5, 4, 3];

/// The `validity` of a certificate.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> ASN1Result<Validity> {
    after_issuer(certificate, |fields| {
        fields.next().read_sequence(|validity| {
            let not_before = time(validity)?;
            let not_after = time(validity)?;
            Ok(Validity {
                not_before,
                not_after,
            })
        })
    })
}

/// The common names in the `subject` of a certificate: usually one.
pub(super) fn common_names(certificate: &CertificateDer<'_>) -> ASN1Result<Vec<String>> {
    after_issuer(certificate, |fields| {
        skip(fields.next())?;
        let mut names = Vec::new();
        fields.next().read_sequence_of(|relative_name| {
            relative_name.read_set_of(|attribute| {
                names.extend(attribute.read_sequence(common_name)?);
                Ok(())
            })
        })?;
        Ok(names)
    })
}

/// `None` for another attribute, and for a name in an encoding that Kubernetes never uses.
fn common_name(attribute: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Option<String>> {
    let kind = attribute.next().read_oid()?;
    let value = attribute.next();
    match value.lookahead_tag()? {
        TAG_UTF8STRING if kind.components() == COMMON_NAME => value.read_utf8string().map(Some),
        TAG_PRINTABLESTRING if kind.components() == COMMON_NAME => {
            value.read_printable_string().map(Some)
        }
        _ => skip(value).map(|()| None),
    }
}

/// Reads the fields of a certificate from `validity` on (RFC 5280, 4.1).
fn after_issuer<T>(
    certificate: &CertificateDer<'_>,
    read: impl FnOnce(&mut BERReaderSeq<'_, '_>) -> ASN1Result<T>,
) -> ASN1Result<T> {
    yasna::parse_der(certificate, |certificate| {
        certificate.read_sequence(|parts| {
            let found = parts.next().read_sequence(|fields| {
                // version, then serialNumber, signature and issuer.
                fields.read_optional(|field| field.read_tagged(Tag::context(0), skip))?;
                for _ in 0..3 {
                    skip(fields.next())?;
                }
                let found = read(fields)?;
                while fields.read_optional(skip)?.is_some() {}
                Ok(found)
            })?;
            while parts.read_optional(skip)?.is_some() {}
            Ok(found)
        })
    })
}

/// Whether a client that trusts only these CAs accepts the first certificate as a server's at this time. Does not check
/// the names.
pub(super) fn verifies(
    chain: &[CertificateDer<'_>],
    authorities: &[CertificateDer<'_>],
    at: SystemTime,
) -> bool {
    let anchors: Vec<_> = authorities
        .iter()
        .filter_map(|authority| anchor_from_trusted_cert(authority).ok())
        .collect();
    let Some((first, between)) = chain.split_first() else {
        return false;
    };
    let Ok(end) = EndEntityCert::try_from(first) else {
        return false;
    };
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    end.verify_for_usage(
        algorithms.all,
        &anchors,
        between,
        UnixTime::since_unix_epoch(since),
        KeyUsage::server_auth(),
        None,
        None,
    )
    .is_ok()
}

/// Whether a client accepts the certificate for this DNS name.
pub(super) fn names(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let certificate = EndEntityCert::try_from(certificate).ok();
    let name = ServerName::try_from(name).ok();
    let both = certificate.zip(name);
    both.is_some_and(|(certificate, name)| {
        let valid = certificate.verify_is_valid_for_subject_name(&name);
        valid.is_ok()
    })
}

/// Whether the certificate is valid for these names and addresses, and for no other name.
pub(super) fn is_for(certificate: &CertificateDer<'_>, wanted: &[String]) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else {
        return false;
    };
    let named: Vec<&str> = certificate.valid_dns_names().collect();
    let holds = |name: &String| match name.parse::<IpAddr>() {
        Ok(address) => {
            let address = ServerName::IpAddress(address.into());
            let valid = certificate.verify_is_valid_for_subject_name(&address);
            valid.is_ok()
        }
        Err(_) => named.contains(&name.as_str()),
    };
    wanted.iter().all(holds)
        && named
            .iter()
            .all(|name| wanted.iter().any(|one| one == name))
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
    use crate::pki::authority::{Authority, SERVING_LIFETIME};

    const YEAR: Duration = Duration::from_hours(24 * 365);

    #[test]
    fn reads_the_validity() {
        for year in [2026 - 1970, 2048 - 1970, 2060 - 1970] {
            let validity = Validity::starting(UNIX_EPOCH + YEAR * year, SERVING_LIFETIME);
            let serving = Authority::new(validity)
                .unwrap()
                .issue(&[], validity)
                .unwrap();
            assert_eq!(super::validity(&serving.key.cert[0]).unwrap(), validity);
        }
    }

    #[test]
    fn verifies_signature_usage_and_names() {
        let now = UNIX_EPOCH + YEAR * 56;
        let validity = Validity::starting(now, YEAR);
        let [one, other] = [0, 1].map(|_| Authority::new(validity).unwrap());
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|&n| n.into()).collect() };
        let wanted = names(&["a.ns.svc", "*.b.svc", "127.0.0.1", "::1"]);
        let serving = one.issue(&wanted, validity).unwrap();
        let certificate = &serving.key.cert[0];
        assert_eq!(common_names(certificate).unwrap(), ["rollout-guard"]);
        let der = |authority: &Authority| authority.certificate().clone();
        let chain = [certificate.clone()];
        assert!(verifies(&chain, &[der(&other), der(&one)], now));
        assert!(!verifies(&chain, &[der(&other)], now));
        assert!(!verifies(&chain, &[der(&one)], now + YEAR * 2));
        assert!(!verifies(&chain, &[], now));
        assert!(is_for(certificate, &wanted));
        assert!(!is_for(certificate, &wanted[1..]), "a name too many");
        assert!(!is_for(
            certificate,
            &names(&["a.ns.svc", "*.b.svc", "::2"])
        ));
        let more = [wanted, names(&["c.svc"])].concat();
        assert!(!is_for(certificate, &more));
    }
}
