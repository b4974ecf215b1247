//! The line that `serve` prints when it is up.

use std::io::Write;
use std::net::SocketAddr;

use super::options::Options;

/// Writes a line that says where `serve` listens, which certificate to trust and how to try it.
pub(super) fn announce(options: &Options, webhook: SocketAddr, admin: SocketAddr) {
    let host = match webhook.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    let port = webhook.port();
    let file = options.tls.ca_file.display();
    let (trust, flag) = match (&options.tls.tls_cert, &options.tls.tls_secret) {
        (Some(file), _) => (format!("certificate {}", file.display()), String::new()),
        (_, Some(secret)) => (
            format!("CA in Secret {secret}"),
            " --cacert ca.crt".to_owned(),
        ),
        _ => (format!("CA {file}"), format!(" --cacert {file}")),
    };
    // Standard error may be closed.
    let _ = writeln!(
        std::io::stderr(),
        "rollout-guard serves https://{webhook} and http://{admin} (admin), {trust}; \
         try: curl{flag} --data-binary @review.json https://{host}:{port}/validate"
    );
}
