//! Kubernetes Events on Rollouts, where `kubectl describe rollout` shows them.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Api, DynamicObject};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::time::timeout;

use super::discovery::{Discovery, is_absent};
use crate::metrics::Metrics;
use crate::model::Key;
use crate::text::truncate_bytes;

/// The way by which Events are made.
#[derive(Clone)]
pub struct Events {
    client: Client,
    discovery: Discovery,
    reporter: Reporter,
    metrics: Arc<Metrics>,
}

/// What an Event says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub reason: &'static str,
    pub action: &'static str,
    pub note: String,
    /// To be told before others.
    pub urgent: bool,
}

/// Why an Event could not be made; the log says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventError {
    /// The API server will not have this one: a quota, a policy, a namespace that is going.
    Refused,
    /// It does not answer, or not now.
    Unreachable,
}

impl EventError {
    fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429 => {
                EventError::Refused
            }
            _ => EventError::Unreachable,
        }
    }
}

impl Events {
    pub fn new(client: Client, discovery: Discovery, replica: &str, metrics: Arc<Metrics>) -> Self {
        let reporter = Reporter {
            controller: "rollout-guard".to_owned(),
            instance: Some(truncate_bytes(replica, MAX_INSTANCE_BYTES).to_owned()),
        };
        Self {
            client,
            discovery,
            reporter,
            metrics,
        }
    }

    /// Makes a warning on the Rollout, if there still is one.
    pub async fn tell(&self, rollout: &Key, words: &Words) -> Result<(), EventError> {
        let told = timeout(WRITE_TIMEOUT, self.try_to_tell(rollout, words)).await;
        let (why, problem) = match told {
            Ok(Ok(())) => {
                self.metrics.audit.told("stored");
                return Ok(());
            }
            Ok(Err(error)) => (EventError::of(&error), error.to_string()),
            Err(_) => (
                EventError::Unreachable,
                "the API server does not answer".to_owned(),
            ),
        };
        self.metrics.audit.told("failed");
        tracing::warn!("no Event could be made on {rollout}: {problem}");
        Err(why)
    }

    async fn try_to_tell(&self, rollout: &Key, words: &Words) -> Result<(), kube::Error> {
        // The uid is what `kubectl describe` finds Events by.
        let Some(reference) = self.reference(rollout).await? else {
            return Ok(());
        };
        let event = Event {
            type_: EventType::Warning,
            reason: words.reason.to_owned(),
            action: words.action.to_owned(),
            note: Some(truncate_bytes(&words.note, MAX_NOTE_BYTES).to_owned()),
            secondary: None,
        };
        // One recorder takes Events of one reason on one object for repeats of the first, whatever they
        // say; that nothing is told twice is seen to elsewhere.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        recorder.publish(&event, &reference).await
    }

    /// How an Event refers to the object; `None` where there is none.
    async fn reference(&self, key: &Key) -> Result<Option<ObjectReference>, kube::Error> {
        let Some(resource) = self.discovery.resource(key.kind).await? else {
            return Ok(None);
        };
        let client = self.client.clone();
        let api = Api::<DynamicObject>::namespaced_with(client, &key.namespace, &resource);
        match api.get_metadata_opt(&key.name).await {
            Ok(found) => Ok(found.map(|object| object.object_ref(&resource))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The API server accepts no longer note.
const MAX_NOTE_BYTES: usize = 1024;
/// The API server accepts no longer name of a reporting instance.
const MAX_INSTANCE_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn tells_a_refusal_from_an_api_server_in_trouble() {
        let of = |code| {
            let status = Status::failure("no", "reason").with_code(code);
            EventError::of(&kube::Error::Api(Box::new(status)))
        };
        assert_eq!([403, 404, 422].map(of), [EventError::Refused; 3]);
        assert_eq!([429, 500, 503].map(of), [EventError::Unreachable; 3]);
    }
}
