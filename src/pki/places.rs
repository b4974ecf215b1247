//! Where certificates are kept in the cluster, and when something happens there.

use std::fmt::Debug;
use std::future::ready;

use futures_util::stream::{self, BoxStream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::bundles::Configurations;
use crate::api::client::error_message;

pub(super) struct Places {
    pub client: Client,
    pub namespace: String,
    pub secret: String,
    /// Without one, nobody is told whom to trust but by the Secret.
    pub configuration: Option<String>,
}

impl Places {
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn read(&self) -> Result<Option<Secret>, String> {
        let read = self.secrets().get_opt(&self.secret).await;
        read.map_err(|error| format!("cannot be read: {}", error_message(&error)))
    }

    pub async fn configurations(&self) -> Result<Configurations, String> {
        let Some(name) = &self.configuration else {
            return Ok(Configurations::default());
        };
        let read = Configurations::read(&self.client, name).await;
        read.map_err(|error| {
            let said = error_message(&error);
            format!("webhook configuration `{name}` cannot be read: {said}")
        })
    }

    /// Something happened to the Secret or a configuration.
    pub fn changes(&self) -> BoxStream<'static, ()> {
        let mut all = vec![changes(self.secrets(), &self.secret)];
        if let Some(name) = &self.configuration {
            let client = || self.client.clone();
            let mutating: Api<MutatingWebhookConfiguration> = Api::all(client());
            let validating: Api<ValidatingWebhookConfiguration> = Api::all(client());
            all.push(changes(mutating, name));
            all.push(changes(validating, name));
        }
        stream::select_all(all).boxed()
    }
}

/// The request names the object in a field selector, so that RBAC may restrict it to that name.
fn changes<K>(objects: Api<K>, name: &str) -> BoxStream<'static, ()>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = Config::default().fields(&format!("metadata.name={name}"));
    let events = watcher(objects, config.timeout(WATCH_SECONDS)).default_backoff();
    let mut said = String::new();
    let changed = move |event| {
        let changed = match event {
            Ok(Event::Init | Event::InitApply(_)) => false,
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => true,
            Err(error) => {
                let error = format!("{error}");
                if error != said {
                    tracing::warn!("a watch failed: {error}");
                    said = error;
                }
                false
            }
        };
        ready(changed.then_some(()))
    };
    events.filter_map(changed).boxed()
}

/// Shorter than the silence that the client bears.
const WATCH_SECONDS: u32 = 60;
