//! A client of the cluster: inside the cluster by the Pod's service account, outside by a kubeconfig.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kube::config::{
    InClusterError, InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError,
};
use kube::core::request;
use kube::{Client, Config};
use serde_json::Value;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than a watch lasts, so that only a dead connection reaches it.
const READ_TIMEOUT: Duration = Duration::from_secs(75);

/// Why there is no client of a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{}: {source}", file.display())]
    Kubeconfig {
        file: PathBuf,
        source: KubeconfigError,
    },
    #[error("this does not run in a cluster ({0})")]
    NotInCluster(#[source] InClusterError),
    #[error("no cluster: {}; pass `--kubeconfig FILE`, or set KUBECONFIG", why_none(.0))]
    NoCluster(#[source] InferConfigError),
    #[error(transparent)]
    Client(#[from] kube::Error),
}

/// A client of the cluster that the kubeconfig names. Without a kubeconfig, of the cluster that this process runs in.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let config = match kubeconfig {
        Some(file) => read(file).await?,
        None => Config::incluster().map_err(ConnectError::NotInCluster)?,
    };
    client(config)
}

/// A client of the cluster that the kubeconfig names. Without a kubeconfig, of the cluster that `kubectl` would use.
pub async fn connect_from_outside(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let config = match kubeconfig {
        Some(file) => read(file).await?,
        None => Config::infer().await.map_err(ConnectError::NoCluster)?,
    };
    client(config)
}

/// The message of an error of the API server, without the rest of its answer.
pub fn error_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}

/// In the words of who runs a command.
fn why_none(error: &InferConfigError) -> String {
    let source = error.source();
    match source.and_then(|source| source.downcast_ref()) {
        Some(KubeconfigError::ReadConfig(source, file)) => format!("{}: {source}", file.display()),
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}

/// Sends a request and reads the answer as it is: the code that reads one more kind into a type takes some 20 kB of the
/// image's binary.
pub fn send(
    client: &Client,
    request: Result<hyper::Request<Vec<u8>>, request::Error>,
) -> BoxFuture<'_, Result<Value, kube::Error>> {
    let answer = async move {
        let request = request.map_err(kube::Error::BuildRequest)?;
        let text = client.request_text(request).await?;
        serde_json::from_str(&text).map_err(kube::Error::SerdeError)
    };
    answer.boxed()
}

fn client(mut config: Config) -> Result<Client, ConnectError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    Ok(Client::try_from(config)?)
}

async fn read(file: &Path) -> Result<Config, ConnectError> {
    let unusable = |source| ConnectError::Kubeconfig {
        file: file.to_owned(),
        source,
    };
    let kubeconfig = Kubeconfig::read_from(file).map_err(unusable)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(unusable)
}
