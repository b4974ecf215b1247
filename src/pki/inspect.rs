//! Reads certificates of others: until when they are valid, and whether a CA accepts one.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::validity::Validity;
use super::x509;

/// The validity of each certificate of a PEM text.
pub fn validities(pem: &[u8]) -> Vec<Validity> {
    let certificates = certificates(pem);
    let validities = certificates.iter().map(x509::validity);
    validities.filter_map(Result::ok).collect()
}

/// Whether a client that trusts these CAs accepts the first certificate of the chain as a server of this name.
pub fn accepts(authorities: &[u8], chain: &[u8], name: &str, at: SystemTime) -> bool {
    let (authorities, chain) = (certificates(authorities), certificates(chain));
    let named = chain.first().is_some_and(|first| x509::names(first, name));
    named && x509::verifies(&chain, &authorities, at)
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}
