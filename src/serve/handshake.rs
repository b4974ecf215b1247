//! TLS handshakes: their time limit, and why they fail.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::log_rate::LogRate;
use crate::metrics::Metrics;

pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Shakes hands with clients.
pub(super) struct Handshakes {
    pub acceptor: TlsAcceptor,
    pub metrics: Arc<Metrics>,
    pub failures: LogRate,
}

impl Handshakes {
    /// `None`: it failed, which is counted and, a few times in ten seconds, logged.
    pub async fn shake(&self, stream: TcpStream, peer: SocketAddr) -> Option<TlsStream<TcpStream>> {
        let (reason, error) = match timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            // A probe that connects and sends nothing.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Ok(Err(error)) => (reason(&error), error.to_string()),
            Err(_) => ("timeout", "it took too long".to_owned()),
        };
        self.metrics.connections.refused_handshake(reason);
        if let Some(left_out) = self.failures.next() {
            tracing::info!(%peer, reason, error, left_out, "the TLS handshake failed");
        }
        None
    }
}

/// The word for a failure in metrics.
fn reason(error: &io::Error) -> &'static str {
    let inner = error.get_ref();
    match inner.and_then(|error| error.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented) => "no-client-certificate",
        Some(Error::InvalidCertificate(_)) => "client-certificate",
        Some(Error::PeerIncompatible(_)) => "incompatible",
        // The client does not trust the serving certificate, or gave up.
        Some(Error::AlertReceived(_)) => "refused-by-client",
        Some(_) => "malformed",
        None => "connection",
    }
}
