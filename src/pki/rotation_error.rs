//! Why the Secret or the webhook configurations are not as they should be.

use super::apply_step::StepError;
use crate::api::client::error_message;

#[derive(Debug, thiserror::Error)]
pub(super) enum RotationError {
    #[error("cannot be read: {}", error_message(.0))]
    ReadSecret(#[source] kube::Error),
    #[error("cannot be written: {}", error_message(.0))]
    WriteSecret(#[source] kube::Error),
    #[error(
        "webhook configuration `{name}` cannot be read: {}",
        error_message(source)
    )]
    ReadConfiguration { name: String, source: kube::Error },
    #[error("caBundle cannot be written: {}", error_message(.0))]
    WriteBundle(#[source] kube::Error),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("changes again and again")]
    Unsettled,
    #[error("no answer in time")]
    Timeout,
    #[error("a fault of rollout-guard: panicked")]
    Panic,
}
