//! The Secret and the webhook configurations in the cluster: reads them, and watches for their changes.

use std::fmt::Debug;
use std::future::ready;

use futures_util::stream::{self, BoxStream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::rotation_error::RotationError;
use super::webhook_configurations::WebhookConfigurations;
use crate::last_error::LastError;

/// Shorter than the read timeout of the client.
const WATCH_SECONDS: u32 = 60;

pub(super) struct ClusterObjects {
    pub client: Client,
    pub namespace: String,
    /// The Secret's name.
    pub secret: String,
    /// The name of both webhook configurations; `None` leaves their `caBundle` to others.
    pub configuration: Option<String>,
}

impl ClusterObjects {
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn read_secret(&self) -> Result<Option<Secret>, RotationError> {
        let read = self.secrets().get_opt(&self.secret).await;
        read.map_err(RotationError::ReadSecret)
    }

    pub async fn read_configurations(&self) -> Result<WebhookConfigurations, RotationError> {
        let Some(name) = &self.configuration else {
            return Ok(WebhookConfigurations::default());
        };
        let read = WebhookConfigurations::read(&self.client, name).await;
        read.map_err(|source| RotationError::ReadConfiguration {
            name: name.clone(),
            source,
        })
    }

    /// An item for each change of the Secret or of a configuration.
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

/// The field selector names the object, so that RBAC can restrict the watch to this name.
fn changes<K>(objects: Api<K>, name: &str) -> BoxStream<'static, ()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = Config::default().fields(&format!("metadata.name={name}"));
    let events = watcher(objects, config.timeout(WATCH_SECONDS)).default_backoff();
    let mut last_error = LastError::default();
    let name = name.to_owned();
    let changed = move |event: Result<Event<K>, Error>| {
        let changed = match event {
            Ok(Event::Init | Event::InitApply(_)) => false,
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => true,
            Err(error) => {
                if last_error.is_new(&error) {
                    tracing::warn!(
                        kind = &*K::kind(&()),
                        name,
                        error = error.to_string(),
                        "a watch failed"
                    );
                }
                false
            }
        };
        ready(changed.then_some(()))
    };
    events.filter_map(changed).boxed()
}
