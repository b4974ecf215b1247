//! HTTP/1.1 and HTTP/2 servers, with or without TLS. Each connection has a task and time limits of its own, so that
//! a slow or half-open connection delays no other.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::error::Error;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// For the headers of a later request on HTTP/1.1, from the end of the request before.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// HTTP/2: an idle client is asked this often whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A server on one port.
pub(super) struct Server {
    /// Dropped to stop accepting connections.
    stop: oneshot::Sender<()>,
    close_connections: Arc<Notify>,
    accepting: JoinHandle<Connections>,
}

/// The open connections.
struct Connections {
    current: GracefulShutdown,
    /// Waits for the connections that were asked to close earlier.
    closing: JoinHandle<()>,
}

/// Listens on the address. Returns the address with the port, which the system chooses for port 0.
pub(super) async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    };
    bound.await.map_err(|source| Error::Listen {
        address: address.to_owned(),
        source,
    })
}

impl Server {
    /// Serves the router, with TLS if there is an acceptor.
    pub fn start(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) -> Self {
        let port = Arc::new(Port { tls, router });
        let (stop, stopped) = oneshot::channel();
        let close_connections = Arc::new(Notify::new());
        let accepting =
            tokio::spawn(port.accept(listener, Arc::clone(&close_connections), stopped));
        Self {
            stop,
            close_connections,
            accepting,
        }
    }

    /// Asks the clients of all open connections to connect again, without an effect on the requests that run. A client
    /// that keeps its connection for hours then finds another replica before this one ends.
    pub fn close_connections(&self) {
        self.close_connections.notify_one();
    }

    /// Accepts no new connection, and waits until the requests that run are answered, up to the time limit.
    pub async fn finish(self, limit: Duration) {
        drop(self.stop);
        if let Ok(open) = self.accepting.await
            && timeout(limit, open.shutdown()).await.is_err()
            && !limit.is_zero()
        {
            tracing::warn!("some requests were not answered in time");
        }
    }
}

impl Connections {
    fn new() -> Self {
        Self {
            current: GracefulShutdown::new(),
            closing: tokio::spawn(async {}),
        }
    }

    fn close_current(&mut self) {
        let current = mem::replace(&mut self.current, GracefulShutdown::new());
        let earlier = mem::replace(&mut self.closing, tokio::spawn(async {}));
        self.closing = tokio::spawn(async {
            current.shutdown().await;
            // Fails only if that task panicked, which closes its connections.
            let _ = earlier.await;
        });
    }

    async fn shutdown(self) {
        self.current.shutdown().await;
        let _ = self.closing.await;
    }
}

struct Port {
    tls: Option<TlsAcceptor>,
    router: Router,
}

impl Port {
    async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        close_connections: Arc<Notify>,
        mut stopped: oneshot::Receiver<()>,
    ) -> Connections {
        let mut open = Connections::new();
        loop {
            let accepted = tokio::select! {
                _ = &mut stopped => return open,
                () = close_connections.notified() => {
                    open.close_current();
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let port = Arc::clone(&self);
                    tokio::spawn(port.connection(stream, peer, open.current.watcher()));
                }
                Err(error) => {
                    // Most likely there are no file descriptors left. Without a pause this loop would spin.
                    tracing::warn!(error = error.to_string(), "cannot accept a connection");
                    sleep(ACCEPT_RETRY_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Without it the connection only has a higher latency.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.http(stream, watcher).await;
        };
        match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream, watcher).await,
            // A probe that connects and sends nothing.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Ok(Err(error)) => {
                tracing::info!(%peer, error = error.to_string(), "the TLS handshake failed");
            }
            Err(_) => tracing::info!(%peer, "the TLS handshake took too long"),
        }
    }

    async fn http<S>(&self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let has_request = Arc::new(AtomicBool::new(false));
        let router = TowerToHyperService::new(self.router.clone());
        let set_on_request = Arc::clone(&has_request);
        let service = service_fn(move |request: Request<Incoming>| {
            set_on_request.store(true, Ordering::Relaxed);
            router.call(request)
        });
        let http = protocols();
        let served = http.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // An error closes this connection, and the client sees it.
            _ = watcher.watch(served) => {}
            () = no_request(&has_request) => {}
        }
    }
}

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new());
    http2
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Returns if a new connection has no request in time. The timeouts and pings of HTTP start at the first request.
async fn no_request(has_request: &AtomicBool) {
    sleep(FIRST_REQUEST_TIMEOUT).await;
    if has_request.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use rustls::ServerConfig;
    use rustls::server::ResolvesServerCertUsingSni;

    /// How long a client that sends nothing stays connected. The paused clock advances while all tasks wait.
    async fn kept(tls: Option<TlsAcceptor>) -> Duration {
        let (listener, at) = bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, tls, Router::new());
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
        let server = Server::start(listener, None, Router::new());
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
}
