//! Connections that are slow, silent or many.

use super::super::handshake::HANDSHAKE_TIMEOUT;
use super::super::http_connection::FIRST_REQUEST_TIMEOUT;
use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use rustls::ServerConfig;
use rustls::server::ResolvesServerCertUsingSni;

fn port(tls: Option<TlsAcceptor>) -> Port {
    Port {
        name: "test",
        tls,
        router: Router::new(),
        max_connections: 2,
        metrics: Arc::default(),
    }
}

/// How long a client that sends nothing stays connected. The paused clock advances while all tasks wait.
async fn kept(tls: Option<TlsAcceptor>) -> Duration {
    let (listener, at) = bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(listener, port(tls));
    let mut silent = TcpStream::connect(at).await.unwrap();
    let start = Instant::now();
    // The connection is closed or reset.
    let _ = silent.read(&mut [0]).await;
    let kept = start.elapsed();
    server.finish(HANDSHAKE_TIMEOUT).await;
    kept
}

#[tokio::test(start_paused = true)]
async fn ends_connections_without_a_request() {
    let kept = kept(None).await;
    assert!(
        kept >= FIRST_REQUEST_TIMEOUT && kept < FIRST_REQUEST_TIMEOUT * 2,
        "{kept:?}"
    );
}

/// Whether a request on this connection is answered.
async fn is_answered(connection: &mut TcpStream) -> bool {
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let sent = connection.write_all(request).await.is_ok();
    sent && matches!(connection.read(&mut [0; 1024]).await, Ok(1..))
}

#[tokio::test]
async fn closes_old_connections_and_accepts_new_ones() {
    let (listener, at) = bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(listener, port(None));
    let mut old = TcpStream::connect(at).await.unwrap();
    assert!(is_answered(&mut old).await);
    server.close_connections();
    assert!(matches!(old.read(&mut [0]).await, Ok(0)), "it is closed");
    let mut new = TcpStream::connect(at).await.unwrap();
    assert!(is_answered(&mut new).await);
    server.finish(HANDSHAKE_TIMEOUT).await;
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn ends_connections_without_a_handshake() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    let kept = kept(Some(TlsAcceptor::from(Arc::new(config)))).await;
    assert!(
        kept >= HANDSHAKE_TIMEOUT && kept < HANDSHAKE_TIMEOUT * 2,
        "{kept:?}"
    );
}
