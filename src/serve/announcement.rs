//! The first event in the log of `serve`.

use std::net::SocketAddr;

use super::options::Options;

/// Logs where `serve` listens, which certificate to trust and how to try it.
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
    tracing::info!(
        webhook = format!("https://{webhook}"),
        admin = format!("http://{admin}"),
        trust,
        example = format!("curl{flag} --data-binary @review.json https://{host}:{port}/validate"),
        "serving"
    );
}
