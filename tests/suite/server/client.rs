//! A client that verifies certificates, and speaks HTTP/1.1 or HTTP/2 as told. No call lasts for ever.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Opens a connection for each request.
pub struct Client {
    pub address: SocketAddr,
    /// The CAs that it trusts.
    pub roots: RootCertStore,
    /// The name or address that the certificate must be for.
    pub name: &'static str,
    pub protocol: Protocol,
    pub versions: &'static [&'static SupportedProtocolVersion],
    /// Its own certificate with the key, in PEM.
    pub identity: Option<(String, String)>,
    runtime: Runtime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Client {
    /// Trusts the CAs (PEM) and no other.
    pub fn new(address: SocketAddr, cas: &[&[u8]], protocol: Protocol) -> Self {
        let mut roots = RootCertStore::empty();
        for ca in cas {
            let ca = CertificateDer::from_pem_slice(ca).expect("a certificate");
            roots.add(ca).expect("a CA");
        }
        Self {
            address,
            roots,
            name: "localhost",
            protocol,
            versions: rustls::ALL_VERSIONS,
            identity: None,
            runtime: runtime(),
        }
    }

    pub fn post(&self, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let body = Full::new(Bytes::copy_from_slice(body));
        let url = format!("https://{}{path}", self.name);
        let request = Request::post(url).header("content-type", "application/json");
        let request = request.body(body).expect("a request");
        self.run(async {
            let stream = self.connect().await.expect("a handshake");
            whole(send(stream, request, self.protocol).await).await
        })
    }

    /// Shakes hands; the server's certificate.
    pub fn handshake(&self) -> Result<CertificateDer<'static>, std::io::Error> {
        let stream = self.run(self.connect())?;
        let chain = stream.get_ref().1.peer_certificates();
        Ok(chain.expect("a certificate")[0].clone())
    }

    /// A connection for what no well-behaved client would do.
    pub async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config
            .with_protocol_versions(self.versions)
            .expect("versions");
        let config = config.with_root_certificates(self.roots.clone());
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = match self.protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        let name = ServerName::try_from(self.name).expect("a name");
        let stream = TcpStream::connect(self.address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// Whether a request is answered; with TLS 1.3 a client learns only then that its certificate is refused.
    pub fn is_answered(&self) -> bool {
        self.run(async {
            let Ok(mut stream) = self.connect().await else {
                return false;
            };
            let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
            let sent = stream.write_all(request).await.is_ok();
            sent && matches!(stream.read(&mut [0; 64]).await, Ok(1..))
        })
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        bounded(&self.runtime, work)
    }
}

/// The status and text of a page over plain HTTP.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    bounded(&runtime(), async {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let request = Request::builder().method(Method::GET).uri(path);
        let request = request.header("host", "localhost").body(Full::default());
        let answer = send(stream, request.expect("a request"), Protocol::Http1).await;
        let (status, body) = whole(answer).await;
        (status, String::from_utf8(body).expect("text"))
    })
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>, protocol: Protocol) -> Response<Incoming>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    if protocol == Protocol::Http1 {
        let (mut sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    } else {
        let handshake = http2::handshake(TokioExecutor::new(), io).await;
        let (mut sender, connection) = handshake.expect("HTTP/2");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    }
}

async fn whole(response: Response<Incoming>) -> (u16, Vec<u8>) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    (status, body.to_bytes().to_vec())
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn bounded<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    let within = async { tokio::time::timeout(PATIENCE, work).await };
    runtime.block_on(within).expect("an answer in time")
}

const PATIENCE: Duration = Duration::from_secs(20);
