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

const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The API server rejects a longer note.
const MAX_NOTE_BYTES: usize = 1024;
/// The API server rejects a longer name.
const MAX_INSTANCE_BYTES: usize = 128;

/// Creates Events.
#[derive(Clone)]
pub struct Events {
    client: Client,
    discovery: Discovery,
    reporter: Reporter,
    metrics: Arc<Metrics>,
}

/// The text of an Event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventContent {
    pub reason: &'static str,
    pub action: &'static str,
    pub note: String,
    /// Whether it is sent before others.
    pub urgent: bool,
}

/// Why an Event or a report could not be written. The log has the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The API server rejects this one, for example because of a quota or because the namespace is being deleted.
    Rejected,
    /// The API server does not answer, or not now.
    Unreachable,
}

impl WriteError {
    pub fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429 => {
                WriteError::Rejected
            }
            _ => WriteError::Unreachable,
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

    /// Creates an Event of type Warning on the Rollout, unless the Rollout is gone.
    pub async fn send(&self, rollout: &Key, content: &EventContent) -> Result<(), WriteError> {
        let sent = timeout(WRITE_TIMEOUT, self.try_to_send(rollout, content)).await;
        let (error, text) = match sent {
            Ok(Ok(())) => {
                self.metrics.audit.event_sent("stored");
                return Ok(());
            }
            Ok(Err(error)) => (WriteError::of(&error), error.to_string()),
            Err(_) => (
                WriteError::Unreachable,
                "the API server does not answer".to_owned(),
            ),
        };
        self.metrics.audit.event_sent("failed");
        tracing::warn!(
            namespace = &*rollout.namespace,
            name = &*rollout.name,
            error = text,
            "cannot create an Event on the Rollout"
        );
        Err(error)
    }

    async fn try_to_send(&self, rollout: &Key, content: &EventContent) -> Result<(), kube::Error> {
        // `kubectl describe` finds Events by the uid of the object.
        let Some(reference) = self.reference(rollout).await? else {
            return Ok(());
        };
        let event = Event {
            type_: EventType::Warning,
            reason: content.reason.to_owned(),
            action: content.action.to_owned(),
            note: Some(truncate_bytes(&content.note, MAX_NOTE_BYTES).to_owned()),
            secondary: None,
        };
        // A recorder that is reused counts a second Event of the same reason and object as a repeat of the first,
        // also if its note differs. The caller sees to it that no Event is sent twice.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        recorder.publish(&event, &reference).await
    }

    /// The reference to an object; `None` if it does not exist.
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

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn distinguishes_a_rejection_from_an_unreachable_api_server() {
        let of = |code| {
            let status = Status::failure("no", "reason").with_code(code);
            WriteError::of(&kube::Error::Api(Box::new(status)))
        };
        assert_eq!([403, 404, 422].map(of), [WriteError::Rejected; 3]);
        assert_eq!([429, 500, 503].map(of), [WriteError::Unreachable; 3]);
    }
}
