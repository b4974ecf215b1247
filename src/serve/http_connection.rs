//! One HTTP connection, and its time limits: it ends without a request, when it is asked to, and when its place is
//! needed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::connections::Connection;

pub(super) const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// For the headers of a later request on HTTP/1.1, from the end of the request before.
const HEADER_TIMEOUT: Duration = Duration::from_mins(1);
/// HTTP/2: an idle client is asked this often whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// For what is under way when a connection is closed to make room.
const EVICTION_TIME: Duration = Duration::from_millis(100);
/// What one connection may send before it is read; the default of hyper is 1 MiB for each stream.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;
const MAX_HEADER_BYTES: u32 = 16 << 10;
const MAX_BUFFER_BYTES: usize = 64 << 10;

/// Serves until the connection ends.
pub(super) async fn serve_http<S>(stream: S, connection: &Arc<Connection>, router: &Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let has_request = Arc::new(AtomicBool::new(false));
    let router = TowerToHyperService::new(router.clone());
    let (set_on_request, requests) = (Arc::clone(&has_request), Arc::clone(connection));
    let service = service_fn(move |request: Request<Incoming>| {
        set_on_request.store(true, Ordering::Relaxed);
        let guard = requests.request();
        let answer = router.call(request);
        async move {
            let _guard = guard;
            answer.await
        }
    });
    let http = protocols();
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
    let activity = &connection.activity;
    tokio::select! {
        // An error closes this connection, and the client sees it.
        _ = served.as_mut() => return,
        () = no_request(&has_request) => return,
        () = activity.evict.notified() => {
            served.as_mut().graceful_shutdown();
            let _ = timeout(EVICTION_TIME, served).await;
            return;
        }
        () = activity.close.notified() => served.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = served => {}
        () = activity.evict.notified() => {}
    }
}

fn protocols() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER_BYTES);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new());
    http2
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(MAX_HEADER_BYTES)
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
