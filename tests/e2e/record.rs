//! Every revision of an object that the API server stores, in order: a watch misses none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::api;
use crate::bed::{Bed, poll};

pub struct Recording {
    watches: Vec<Watch>,
}

/// The revisions of each kind, in the order in which they were stored.
pub type Stored = BTreeMap<String, Vec<Value>>;

struct Watch {
    kind: String,
    api: Api<DynamicObject>,
    seen: Seen,
    task: JoinHandle<()>,
}

type Seen = Arc<Mutex<Vec<DynamicObject>>>;

impl Recording {
    /// Starts after the currently stored revisions.
    pub fn start(bed: &Bed, namespace: &str, kinds: &[&str]) -> Self {
        let watch = |kind: &&str| {
            let api = api::namespaced(&bed.client, kind, namespace);
            let now = bed
                .block_on(api.list(&ListParams::default()))
                .expect("the kind is served");
            let from = now.metadata.resource_version.expect("a list has a version");
            let seen = Seen::default();
            let task = bed
                .runtime
                .spawn(follow(api.clone(), from, Arc::clone(&seen)));
            Watch {
                kind: (*kind).to_owned(),
                api,
                seen,
                task,
            }
        };
        Self {
            watches: kinds.iter().map(watch).collect(),
        }
    }

    /// Stops recording and returns the revisions of each kind, after it has seen everything that is stored now.
    pub fn stop(self, bed: &Bed) -> Stored {
        let finished = self.watches.iter().map(|watch| {
            watch.catch_up(bed);
            watch.task.abort();
            let seen = watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (watch.kind.clone(), seen.iter().map(api::json).collect())
        });
        finished.collect()
    }
}

impl Watch {
    fn catch_up(&self, bed: &Bed) {
        let now = bed
            .block_on(self.api.list(&ListParams::default()))
            .expect("the kind is served");
        poll(
            "the recording to catch up",
            Duration::from_secs(10),
            &mut || {
                assert!(
                    !self.task.is_finished(),
                    "the recording of {} broke off",
                    self.kind
                );
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                let behind = now.items.iter().find(|object| {
                    let last = seen
                        .iter()
                        .rev()
                        .find(|seen| seen.name_any() == object.name_any());
                    last.is_some_and(|last| version(last) < version(object))
                });
                behind.map_or(Ok(()), |object| {
                    Err(format!("{} is behind", object.name_any()))
                })
            },
        );
    }
}

/// Watches until it is aborted. If revisions are lost, the task ends, and `stop` notices.
async fn follow(api: Api<DynamicObject>, mut from: String, seen: Seen) {
    loop {
        let Ok(events) = api.watch(&WatchParams::default(), &from).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let mut events = std::pin::pin!(events);
        while let Ok(Some(event)) = events.try_next().await {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    from = object.resource_version().unwrap_or_default();
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(object);
                }
                WatchEvent::Deleted(object) => from = object.resource_version().unwrap_or_default(),
                WatchEvent::Bookmark(mark) => from = mark.metadata.resource_version,
                // 410: revisions are lost.
                WatchEvent::Error(_) => return,
            }
        }
    }
}

fn version(object: &DynamicObject) -> u64 {
    object
        .resource_version()
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}
