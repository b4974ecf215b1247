//! Looks at a cluster: whether what rollout-guard assumes of it is so. Each fact comes with what it means and what to
//! do. Nothing is written; an invalid Rollout is sent as a dry run.

// Certificates are compared with the clock.
#![allow(clippy::disallowed_methods)]

mod api_server;
mod certificates;
mod controller;
mod deployment;
mod fact;
mod field_managers;
mod guard;
mod inventory;
mod mesh;
mod other_webhooks;
mod reachable;
mod reader;
mod rollout_crd;
mod webhook;

use std::io;
use std::path::Path;
use std::time::SystemTime;

use kube::Client;

use self::inventory::Inventory;
use self::reader::Reader;
use crate::api::client::{ConnectError, connect_from_outside};
use crate::settings::Settings;

pub use fact::{Fact, Level};

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    NoCluster(#[from] ConnectError),
    #[error("the API server cannot be asked: {0}")]
    ApiServer(String),
}

/// The facts of the cluster that the kubeconfig names. Without a kubeconfig, of the cluster that `kubectl` would use.
///
/// `settings` replace those of the installed guard. The dry run is sent to `namespace`, or without one to a namespace
/// that is guarded.
pub fn examine(
    kubeconfig: Option<&Path>,
    settings: Option<Settings>,
    namespace: Option<&str>,
) -> Result<Vec<Fact>, Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let client = connect_from_outside(kubeconfig).await?;
        let facts = facts(client, settings, namespace).await;
        facts.map_err(Error::ApiServer)
    })
}

async fn facts(
    client: Client,
    settings: Option<Settings>,
    namespace: Option<&str>,
) -> Result<Vec<Fact>, String> {
    let reader = &Reader::new(client);
    let mut facts = Vec::new();
    let inventory = &Inventory::read(reader, settings, &mut facts).await?;
    facts.insert(0, api_server::version(reader).await);
    facts.extend(controller::facts(inventory));
    facts.extend(rollout_crd::facts(reader, inventory).await);
    facts.extend(field_managers::facts(reader, inventory).await);
    facts.extend(mesh::facts(reader, inventory).await);
    facts.extend(guard::facts(reader, inventory).await);
    facts.extend(certificates::facts(reader, inventory, SystemTime::now()).await);
    facts.extend(reachable::fact(reader, inventory, namespace).await);
    facts.extend(api_server::calls(reader, inventory).await);
    facts.extend(other_webhooks::facts(reader, inventory).await);
    facts.extend(api_server::warnings(reader, inventory).await);
    Ok(facts)
}
