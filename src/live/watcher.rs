//! One watch of one kind, for as long as the process lives: over the newest version that is served, from
//! the start again when the API server lost it, waiting where the kind is not served.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::decode;
use super::kinds::is_metadata_only;
use super::watch_event::WatchEvent;
use crate::api::discovery::{Discovery, is_absent};
use crate::health::{Readiness, spawn_supervised};
use crate::metrics::Metrics;
use crate::model::Kind;

/// What every watch needs.
#[derive(Clone)]
pub(super) struct Watcher {
    pub client: Client,
    pub discovery: Discovery,
    pub events: mpsc::Sender<WatchEvent>,
    pub metrics: Arc<Metrics>,
    pub readiness: Arc<Readiness>,
}

impl Watcher {
    /// Watches the kind until the process ends.
    pub fn begin(&self, kind: Kind) {
        let watcher = self.clone();
        spawn_supervised("a watch", &self.readiness, async move {
            watcher.watch(kind).await;
        });
    }

    async fn watch(self, kind: Kind) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.discovery.look_up(kind).await {
                Ok(Some(resource)) => {
                    tracing::info!(
                        kind = kind.as_str(),
                        version = resource.api_version,
                        "watching"
                    );
                    pause = FIRST_PAUSE;
                    self.follow(kind, &resource).await;
                    tracing::info!(
                        kind = kind.as_str(),
                        version = resource.api_version,
                        "not served any more"
                    );
                }
                Ok(None) => self.send(WatchEvent::List(kind, Vec::new())).await,
                Err(error) => {
                    self.metrics.watches.failed(kind);
                    tracing::warn!(
                        kind = kind.as_str(),
                        error = error.to_string(),
                        "cannot read whether the kind is served"
                    );
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn follow(&self, kind: Kind, resource: &ApiResource) {
        if is_metadata_only(kind) {
            let api =
                Api::<PartialObjectMeta<DynamicObject>>::all_with(self.client.clone(), resource);
            self.stream(kind, api).await;
        } else {
            let api = Api::<DynamicObject>::all_with(self.client.clone(), resource);
            self.stream(kind, api).await;
        }
    }

    /// Tells what the watch says, until it says that the kind is gone.
    async fn stream<K>(&self, kind: Kind, api: Api<K>)
    where
        K: Resource<DynamicType = ApiResource>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize
            + Send
            + 'static,
    {
        let events = watcher(
            api,
            Config::default().timeout(LASTS).labels(kind.selector()),
        )
        .default_backoff();
        pin_mut!(events);
        let mut list = Vec::new();
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(Event::Init) => {
                    list.clear();
                    continue;
                }
                Ok(Event::InitApply(object)) => {
                    list.push(decode::object(kind, object));
                    continue;
                }
                Ok(Event::InitDone) => WatchEvent::List(kind, std::mem::take(&mut list)),
                Ok(Event::Apply(object)) => {
                    WatchEvent::Apply(Box::new(decode::object(kind, object)))
                }
                Ok(Event::Delete(object)) => WatchEvent::Delete(decode::key(kind, &object)),
                Err(error) => {
                    self.metrics.watches.failed(kind);
                    tracing::warn!(
                        kind = kind.as_str(),
                        error = error.to_string(),
                        "a watch broke and starts again"
                    );
                    if is_gone(&error) {
                        return;
                    }
                    continue;
                }
            };
            self.send(event).await;
        }
    }

    async fn send(&self, event: WatchEvent) {
        // The receiver is gone when the process ends.
        let _ = self.events.send(event).await;
    }
}

fn is_gone(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => is_absent(error),
        _ => false,
    }
}

/// In seconds. A connection that died without a word is noticed soon after.
const LASTS: u32 = 60;
/// How long it takes to notice that a CRD has appeared.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(5);
