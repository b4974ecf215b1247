//! The kubelet's own port, for `kubectl logs` and `helm test`: what a Pod has printed so far, without following.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::bed::Layout;
use crate::network::HOST;

/// Serves until the future is dropped.
pub async fn serve(layout: &Layout) -> impl Future<Output = ()> + use<> {
    let listener = TcpListener::bind((HOST, PORT))
        .await
        .expect("a port of a network of our own");
    let acceptor = acceptor(&layout.state);
    let logs = layout.logs.clone();
    async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let (acceptor, logs) = (acceptor.clone(), logs.clone());
            // An error of one caller does not concern the others.
            tokio::spawn(async move { answer(acceptor, stream, &logs).await.ok() });
        }
    }
}

/// With the API server's certificate, which is valid for this machine.
fn acceptor(state: &Path) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_file(state.join("server.crt")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(state.join("server.key")).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key);
    TlsAcceptor::from(Arc::new(config.expect("a certificate and its key")))
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, logs: &Path) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LIMIT {
        head.push(stream.read_u8().await?);
    }
    let (status, body) = match log(&String::from_utf8_lossy(&head), logs) {
        Some(file) => (
            "200 OK",
            tokio::task::spawn_blocking(|| std::fs::read(file)).await??,
        ),
        None => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

/// `GET /containerLogs/namespace/pod/container?…`
fn log(head: &str, logs: &Path) -> Option<PathBuf> {
    let path = head
        .strip_prefix("GET /containerLogs/")?
        .split([' ', '?'])
        .next()?;
    let pod = path.split('/').nth(1)?;
    let file = logs.join(format!("{pod}.log"));
    file.is_file().then_some(file)
}

pub const PORT: u16 = 10250;
const LIMIT: usize = 16 * 1024;
