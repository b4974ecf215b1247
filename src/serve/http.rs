//! Connections: accepted, shaken hands with, served over HTTP/1.1 or HTTP/2, ended in good order. Each has
//! a task and time limits of its own, so that one that is slow or half open holds up no other.

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

/// A port that is served until it is finished.
pub(super) struct Server {
    /// Dropped to end it.
    stop: oneshot::Sender<()>,
    renew: Arc<Notify>,
    accepting: JoinHandle<Open>,
}

/// The connections that are open.
struct Open {
    staying: GracefulShutdown,
    /// Those that were asked to end earlier.
    leaving: JoinHandle<()>,
}

/// Listens, and says where: a port of 0 is chosen by the system.
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
    /// Serves the router, over TLS where there is an acceptor.
    pub fn start(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) -> Self {
        let port = Arc::new(Port { tls, router });
        let (stop, stopped) = oneshot::channel();
        let renew = Arc::new(Notify::new());
        let accepting = tokio::spawn(port.accept(listener, Arc::clone(&renew), stopped));
        Self {
            stop,
            renew,
            accepting,
        }
    }

    /// Asks the open connections to end after the requests they carry, and goes on taking new ones. A client that
    /// keeps a connection open for hours looks for another server then, and not when this one is gone.
    pub fn renew(&self) {
        self.renew.notify_one();
    }

    /// Takes no new connection, asks the open ones to end after the requests they carry, and waits for
    /// them, but no longer than `within`.
    pub async fn finish(self, within: Duration) {
        drop(self.stop);
        if let Ok(open) = self.accepting.await
            && timeout(within, open.shutdown()).await.is_err()
            && !within.is_zero()
        {
            tracing::warn!("some requests were not answered in time");
        }
    }
}

impl Open {
    fn new() -> Self {
        Self {
            staying: GracefulShutdown::new(),
            leaving: tokio::spawn(async {}),
        }
    }

    fn leave(&mut self) {
        let open = mem::replace(&mut self.staying, GracefulShutdown::new());
        let earlier = mem::replace(&mut self.leaving, tokio::spawn(async {}));
        self.leaving = tokio::spawn(async {
            open.shutdown().await;
            // A task of ours that panics has no connection left.
            let _ = earlier.await;
        });
    }

    async fn shutdown(self) {
        self.staying.shutdown().await;
        let _ = self.leaving.await;
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
        renew: Arc<Notify>,
        mut stopped: oneshot::Receiver<()>,
    ) -> Open {
        let mut open = Open::new();
        loop {
            let accepted = tokio::select! {
                _ = &mut stopped => return open,
                () = renew.notified() => {
                    open.leave();
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let port = Arc::clone(&self);
                    tokio::spawn(port.connection(stream, peer, open.staying.watcher()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: more haste would not help.
                    tracing::warn!(error = error.to_string(), "cannot accept a connection");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // A matter of latency alone.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.http(stream, watcher).await;
        };
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream, watcher).await,
            // A probe that only connects.
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
        let spoke = Arc::new(AtomicBool::new(false));
        let router = TowerToHyperService::new(self.router.clone());
        let speaks = Arc::clone(&spoke);
        let service = service_fn(move |request: Request<Incoming>| {
            speaks.store(true, Ordering::Relaxed);
            router.call(request)
        });
        let http = protocols();
        let served = http.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // An error is the end of one connection, and the client knows.
            _ = watcher.watch(served) => {}
            () = silence(&spoke) => {}
        }
    }
}

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new());
    http2.keep_alive_interval(PING).keep_alive_timeout(PONG);
    builder
}

/// Ends when no request has come on a new connection: neither HTTP's own timeouts nor its pings run before
/// the first one.
async fn silence(spoke: &AtomicBool) {
    sleep(FIRST_REQUEST).await;
    if spoke.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

const HANDSHAKE: Duration = Duration::from_secs(5);
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// For the headers of a later request on HTTP/1.1, the wait for them included.
const HEADERS: Duration = Duration::from_mins(1);
/// HTTP/2: how long nothing is heard before the other end is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use rustls::ServerConfig;
    use rustls::server::ResolvesServerCertUsingSni;

    /// How long a client that says nothing is kept; the clock runs ahead whenever all wait.
    async fn kept(tls: Option<TlsAcceptor>) -> Duration {
        let (listener, at) = bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, tls, Router::new());
        let mut silent = TcpStream::connect(at).await.unwrap();
        let start = Instant::now();
        // An end or a reset.
        let _ = silent.read(&mut [0]).await;
        let kept = start.elapsed();
        server.finish(HANDSHAKE).await;
        kept
    }

    #[tokio::test(start_paused = true)]
    async fn ends_connections_without_a_request() {
        let kept = kept(None).await;
        assert!(
            kept >= FIRST_REQUEST && kept < FIRST_REQUEST * 2,
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
    async fn asks_old_connections_to_leave_and_takes_new_ones() {
        let (listener, at) = bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(listener, None, Router::new());
        let mut old = TcpStream::connect(at).await.unwrap();
        assert!(is_answered(&mut old).await);
        server.renew();
        assert!(matches!(old.read(&mut [0]).await, Ok(0)), "it is ended");
        let mut new = TcpStream::connect(at).await.unwrap();
        assert!(is_answered(&mut new).await);
        server.finish(HANDSHAKE).await;
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
        assert!(kept >= HANDSHAKE && kept < HANDSHAKE * 2, "{kept:?}");
    }
}
