//! How the cluster is reached: from inside it by the Pod's service account, from outside by a kubeconfig.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// A client of the cluster that the kubeconfig names, else of the one that this runs in.
///
/// # Errors
/// A kubeconfig that cannot be used, or none and not in a cluster.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, String> {
    let config = match kubeconfig {
        Some(file) => of_file(file).await?,
        None => Config::incluster()
            .map_err(|error| format!("this does not run in a cluster ({error})"))?,
    };
    client(config)
}

/// A client of the cluster that the kubeconfig names, else of the one that `kubectl` would ask.
///
/// # Errors
/// A sentence that says why there is none.
pub async fn connect_from_outside(kubeconfig: Option<&Path>) -> Result<Client, String> {
    let config = match kubeconfig {
        Some(file) => of_file(file).await?,
        None => Config::infer().await.map_err(|error| {
            format!("no cluster to judge: {error}; pass `--kubeconfig FILE`, or set KUBECONFIG")
        })?,
    };
    client(config)
}

fn client(mut config: Config) -> Result<Client, String> {
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    Client::try_from(config).map_err(|error| error.to_string())
}

/// The message of an error of the API server, without the rest of its answer.
pub fn error_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}

async fn of_file(file: &Path) -> Result<Config, String> {
    let name = file.display();
    let unusable = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| unusable(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|error| unusable(&error))
}

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than a watch lasts, so that only a connection that has died without a word runs into it.
const SILENCE: Duration = Duration::from_secs(75);
