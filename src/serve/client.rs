//! How the cluster is reached: from inside it by the Pod's service account, from outside by a kubeconfig.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::Error;

/// A client of the cluster that the kubeconfig names, else of the one that this runs in.
///
/// # Errors
/// A kubeconfig that cannot be used, or none and not in a cluster.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, Error> {
    let mut config = match kubeconfig {
        Some(file) => of_file(file).await?,
        None => Config::incluster().map_err(|error| {
            Error::NoCluster(format!("this does not run in a cluster ({error})"))
        })?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    Client::try_from(config).map_err(|error| Error::NoCluster(error.to_string()))
}

async fn of_file(file: &Path) -> Result<Config, Error> {
    let name = file.display();
    let unusable = |error: &dyn std::fmt::Display| Error::NoCluster(format!("{name}: {error}"));
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| unusable(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|error| unusable(&error))
}

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than a watch lasts, so that only a connection that has died without a word runs into it.
const SILENCE: Duration = Duration::from_secs(75);
