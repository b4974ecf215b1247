//! The API server in memory, on a port of loopback: for a process that reaches it by a kubeconfig.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

#[path = "../../fake_api/mod.rs"]
mod fake_api;

use self::fake_api::FakeApi;
pub use self::fake_api::{ARGO, Fault, ISTIO};

/// Listens until the test process ends.
pub struct Api {
    served: FakeApi,
    address: SocketAddr,
    folder: TempDir,
}

impl Api {
    pub fn start(groups: &[&'static str]) -> Self {
        let served = FakeApi::default();
        served.serve_groups(groups);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let api = served.clone();
        std::thread::spawn(move || serve(listener, &api));
        let folder = tempfile::tempdir().unwrap();
        Self {
            served,
            address,
            folder,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        let file = self.folder.path().join("kubeconfig");
        let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]});
        std::fs::write(&file, text.to_string()).unwrap();
        file
    }
}

impl Deref for Api {
    type Target = FakeApi;

    fn deref(&self) -> &FakeApi {
        &self.served
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, api: &FakeApi) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let api = api.clone();
        let service = service_fn(move |request| api.clone().answer(request));
        // One request for each connection, so that a client never repeats one that breaks by itself.
        let mut server = http1::Builder::new();
        let served = server.keep_alive(false);
        tokio::spawn(served.serve_connection(TokioIo::new(stream), service));
    }
}
