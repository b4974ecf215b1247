//! Writes PEM. rustls' parser (`PemObject`) reads it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;

const LINE_BYTES: usize = 64;

pub(super) fn certificate(certificate: &CertificateDer<'_>) -> String {
    section("CERTIFICATE", certificate)
}

/// A private key in PKCS #8.
pub(super) fn private_key(der: &[u8]) -> String {
    section("PRIVATE KEY", der)
}

fn section(label: &str, der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(LINE_BYTES);
    let lines: String = lines
        .map(|line| String::from_utf8_lossy(line) + "\n")
        .collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn rustls_reads_it() {
        for length in [1, 47, 48, 49, 1_000] {
            let der = CertificateDer::from(vec![7; length]);
            let text = certificate(&der);
            let read = CertificateDer::from_pem_slice(text.as_bytes());
            assert_eq!(read.unwrap(), der);
            assert!(text.lines().all(|line| line.len() <= LINE_BYTES));
        }
    }
}
