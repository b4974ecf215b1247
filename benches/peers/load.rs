//! Requests over kept connections, and what they cost the server.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

/// The same request, again and again.
#[derive(Clone)]
pub struct Call {
    pub port: u16,
    pub method: Method,
    pub path: String,
    pub token: &'static str,
    pub body: Vec<u8>,
}

/// What was measured.
pub struct Measured {
    pub per_second: f64,
    /// Of one request, over all threads of the server.
    pub cpu: Duration,
    pub median: Duration,
    pub p99: Duration,
}

/// Loads a server on `connections` connections for a time. The CPU is that of these processes.
pub fn load(
    ca: &Path,
    call: &Call,
    connections: usize,
    time: Duration,
    processes: &[u32],
) -> Measured {
    let (runtime, tls) = (runtime(), TlsConnector::from(trusting(ca)));
    runtime.block_on(async {
        repeat(&tls, call, connections, WARM_UP).await;
        let before = cpu_of(processes);
        let from = Instant::now();
        let mut latencies = repeat(&tls, call, connections, time).await;
        let took = from.elapsed();
        let cpu = cpu_of(processes).saturating_sub(before);
        latencies.sort_unstable();
        let count = u32::try_from(latencies.len()).expect("few requests");
        assert!(count > 0, "no request was answered");
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        Measured {
            per_second: f64::from(count) / took.as_secs_f64(),
            cpu: cpu / count,
            median: at(50),
            p99: at(99),
        }
    })
}

/// One request and its answer.
pub fn once(ca: &Path, call: &Call) -> Result<(StatusCode, Vec<u8>), String> {
    let (runtime, tls) = (runtime(), TlsConnector::from(trusting(ca)));
    runtime.block_on(async {
        let mut sender = connect(&tls, call.port).await?;
        send(&mut sender, call).await
    })
}

/// Returns how long each request took.
async fn repeat(
    tls: &TlsConnector,
    call: &Call,
    connections: usize,
    time: Duration,
) -> Vec<Duration> {
    let end = Instant::now() + time;
    let tasks = (0..connections).map(|_| async {
        let mut sender = connect(tls, call.port).await.expect("a connection");
        let mut latencies = Vec::new();
        while Instant::now() < end {
            let from = Instant::now();
            let (status, answer) = send(&mut sender, call).await.expect("an answer");
            assert!(
                status.is_success(),
                "{status}: {}",
                String::from_utf8_lossy(&answer)
            );
            latencies.push(from.elapsed());
        }
        latencies
    });
    let all = futures_util::future::join_all(tasks).await;
    all.into_iter().flatten().collect()
}

async fn connect(tls: &TlsConnector, port: u16) -> Result<SendRequest<Full<Bytes>>, String> {
    let connected = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        tls.connect(name, stream).await
    };
    let stream = connected.await.map_err(|error| error.to_string())?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    call: &Call,
) -> Result<(StatusCode, Vec<u8>), String> {
    let request = Request::builder()
        .method(&call.method)
        .uri(&call.path)
        .header("host", format!("localhost:{}", call.port))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", call.token))
        .body(Full::new(Bytes::from(call.body.clone())))
        .expect("a request");
    let answered = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, hyper::Error>((status, body.to_vec()))
    };
    answered.await.map_err(|error| error.to_string())
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime")
}

fn trusting(ca: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(ca).expect("a CA");
    roots.add(ca).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// User and system time of the processes so far, as Linux counts it: in hundredths of a second.
fn cpu_of(processes: &[u32]) -> Duration {
    let ticks = |process: &u32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || -> u64 {
            fields
                .next()
                .and_then(|field| field.parse().ok())
                .expect("a number")
        };
        next() + next()
    };
    Duration::from_millis(10 * processes.iter().map(ticks).sum::<u64>())
}

/// Resident memory of a process in bytes.
pub fn memory_of(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.expect("VmRSS") * 1024
}

const WARM_UP: Duration = Duration::from_secs(1);
