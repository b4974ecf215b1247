//! HTTP/1.1 and HTTP/2 servers, with or without TLS. Each connection has a task and time limits of its own, so that
//! a slow or half-open connection delays no other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connections::{Admission, Connection, Connections};
use super::error::Error;
use super::handshake::Handshakes;
use super::http_connection::serve_http;
use super::log_rate::LogRate;
use crate::metrics::Metrics;

const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A server on one port.
pub(super) struct Server {
    /// Dropped to stop accepting connections.
    stop: oneshot::Sender<()>,
    connections: Arc<Connections>,
    accepting: JoinHandle<()>,
}

/// What is served on a port.
pub(super) struct Port {
    /// The word for it in metrics.
    pub name: &'static str,
    pub tls: Option<TlsAcceptor>,
    pub router: Router,
    pub max_connections: usize,
    pub metrics: Arc<Metrics>,
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
    /// Serves on the threads of the runtime that this is called in.
    pub fn start(listener: TcpListener, port: Port) -> Self {
        let connections = Connections::new(port.max_connections);
        let (stop, stopped) = oneshot::channel();
        let handshakes = port.tls.clone().map(|acceptor| Handshakes {
            acceptor,
            metrics: Arc::clone(&port.metrics),
            failures: LogRate::default(),
        });
        let serving = Serving {
            port,
            handshakes,
            connections: Arc::clone(&connections),
        };
        let accepting = tokio::spawn(Arc::new(serving).accept(listener, stopped));
        Self {
            stop,
            connections,
            accepting,
        }
    }

    /// Asks the clients of all open connections to connect again, without an effect on the requests that run. A client
    /// that keeps its connection for hours then finds another replica before this one ends.
    pub fn close_connections(&self) {
        self.connections.close_all();
    }

    /// Accepts no new connection, and waits until the requests that run are answered, up to the time limit.
    pub async fn finish(self, limit: Duration) {
        drop(self.stop);
        // Fails only if the task panicked, which accepts nothing either.
        let _ = self.accepting.await;
        self.connections.close_all();
        let closed = timeout(limit, self.connections.all_closed()).await;
        if closed.is_err() && !limit.is_zero() {
            tracing::warn!("some requests were not answered in time");
        }
    }
}

/// A port that is served.
struct Serving {
    port: Port,
    connections: Arc<Connections>,
    /// `None`: without TLS.
    handshakes: Option<Handshakes>,
}

impl Serving {
    async fn accept(self: Arc<Self>, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
        loop {
            let accepted = tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    if let Some(connection) = self.admit() {
                        let serving = Arc::clone(&self);
                        tokio::spawn(serving.connection(stream, peer, connection));
                    }
                }
                Err(error) => {
                    // Most likely there are no file descriptors left. Without a pause this loop would spin.
                    tracing::warn!(error = error.to_string(), "cannot accept a connection");
                    sleep(ACCEPT_RETRY_PAUSE).await;
                }
            }
        }
    }

    fn admit(&self) -> Option<Connection> {
        let metrics = &self.port.metrics.connections;
        match self.connections.admit() {
            Admission::Free(connection) => Some(connection),
            Admission::Evicted(connection) => {
                metrics.evicted(self.port.name);
                Some(connection)
            }
            Admission::Full => {
                metrics.refused(self.port.name);
                None
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, of: Connection) {
        let (port, of) = (&self.port, Arc::new(of));
        port.metrics.connections.opened(port.name);
        // Without it the connection only has a higher latency.
        let _ = stream.set_nodelay(true);
        match &self.handshakes {
            None => serve_http(stream, &of, &port.router).await,
            Some(handshakes) => {
                let shaken = tokio::select! {
                    shaken = handshakes.shake(stream, peer) => shaken,
                    () = of.activity.evict.notified() => None,
                };
                if let Some(stream) = shaken {
                    serve_http(stream, &of, &port.router).await;
                }
            }
        }
        port.metrics.connections.closed(port.name);
    }
}

#[cfg(test)]
#[path = "../../tests/unit/serve/http.rs"]
mod tests;
