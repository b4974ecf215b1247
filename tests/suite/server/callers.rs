//! Who may call the webhook: client certificates, and versions of TLS.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use tempfile::TempDir;

use super::client::Protocol;
use super::process::eventually;
use super::{Server, denied, recorded};

/// A CA of client certificates.
struct ClientCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl ClientCa {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate of a client with this common name, and its key.
    fn identity(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn guarded(ca: &ClientCa, flags: &[&str]) -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client-ca.crt");
    std::fs::write(&file, &ca.pem).unwrap();
    let ca = format!("--client-ca={}", file.display());
    let server = Server::with(&recorded("cluster.yaml"), &[&[ca.as_str()], flags].concat());
    (server, folder)
}

/// The client can see the end of a handshake before the server has counted it.
fn until_refused(server: &Server, reason: &str, times: u64) {
    let metric = "rollout_guard_refused_handshakes_total";
    let metric = format!("{metric}{{reason=\"{reason}\"}}");
    eventually(&metric, || server.metric(&metric) == times);
}

#[test]
fn only_listed_clients_with_a_certificate_may_call() {
    let (ca, other) = (ClientCa::new(), ClientCa::new());
    let flags = ["--client-cn=kube-apiserver", "--client-cn=another"];
    let (server, _folder) = guarded(&ca, &flags);
    let mut client = server.client(Protocol::Http1);
    for version in rustls::ALL_VERSIONS.chunks(1) {
        client.versions = version;
        client.identity = None;
        assert!(!client.is_answered());
        for (ca, name, answered) in [
            (&ca, "kube-apiserver", true),
            (&ca, "another", true),
            (&ca, "somebody", false),
            (&other, "kube-apiserver", false),
        ] {
            client.identity = Some(ca.identity(name));
            assert_eq!(client.is_answered(), answered, "{name}");
        }
    }
    client.identity = Some(ca.identity("another"));
    assert_eq!(client.post("/validate", &denied()).0, 200);
    until_refused(&server, "no-client-certificate", 2);
    until_refused(&server, "client-certificate", 4);
    assert_eq!(server.get("/readyz").0, 200, "probes need no certificate");
}

#[test]
fn a_new_ca_of_client_certificates_is_picked_up() {
    let (old, new) = (ClientCa::new(), ClientCa::new());
    let (server, folder) = guarded(&old, &[]);
    let client = |ca: &ClientCa| {
        let mut client = server.client(Protocol::Http1);
        client.identity = Some(ca.identity("anybody"));
        client
    };
    let (by_old, by_new) = (client(&old), client(&new));
    assert!(by_old.is_answered() && !by_new.is_answered());
    let file = folder.path().join("client-ca.crt");
    std::fs::write(&file, "torn").unwrap();
    let failures = "rollout_guard_certificate_reload_failures_total";
    eventually("the broken file", || server.metric(failures) == 1);
    assert!(by_old.is_answered());
    std::fs::write(&file, &new.pem).unwrap();
    eventually("the new CA", || by_new.is_answered());
    assert!(!by_old.is_answered());
}

#[test]
fn an_old_version_of_tls_can_be_refused() {
    let server = Server::with(&recorded("cluster.yaml"), &["--tls-min-version=1.3"]);
    let mut client = server.client(Protocol::Http1);
    assert!(client.is_answered());
    let mut versions = rustls::ALL_VERSIONS.chunks(1);
    client.versions = versions
        .find(|versions| versions[0] == &rustls::version::TLS12)
        .unwrap();
    assert!(!client.is_answered());
    until_refused(&server, "incompatible", 1);
}

#[test]
fn failed_handshakes_are_counted_and_seldom_logged() {
    let (server, _folder) = guarded(&ClientCa::new(), &[]);
    let client = server.client(Protocol::Http1);
    for _ in 0..30 {
        assert!(!client.is_answered());
    }
    until_refused(&server, "no-client-certificate", 30);
    let log = server.log();
    let lines = log.iter().filter(|line| line.contains("handshake failed"));
    assert!((1..=10).contains(&lines.count()), "{log:?}");
}
