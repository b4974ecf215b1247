//! Why a self-test does not succeed.

use std::io;

use axum::http::StatusCode;

use crate::api::client::ConnectError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no cluster to test: {0}; pass `--kubeconfig FILE`")]
    NoCluster(#[from] ConnectError),
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error("the API server does not answer: {0}")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "the guard warned and did not deny: does namespace `{namespace}` have the label \
         `rollout-guard.io/enforce: observe`? ({warning})"
    )]
    OnlyWarned { namespace: String, warning: String },
    #[error(
        "an invalid Rollout was accepted without a warning: the API server does not reach the webhook (see its log for \
         `failed calling webhook`), or namespace `{namespace}` is not guarded"
    )]
    Accepted { namespace: String },
    #[error("there is no namespace `{namespace}` to send a Rollout to")]
    NoNamespace { namespace: String },
    #[error(
        "there are no Rollouts in this cluster: install the CRDs of Argo Rollouts (rollouts.argoproj.io)"
    )]
    NoRollouts,
    #[error(
        "this account may not create Rollouts in namespace `{namespace}`, or another webhook refused the Rollout: \
         {message}"
    )]
    Forbidden { namespace: String, message: String },
    #[error("the Rollout was refused before the guard judged it ({status}): {message}")]
    Refused { status: StatusCode, message: String },
}

impl Error {
    /// Whether another attempt may succeed: the webhook or the permissions may not be in place yet.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::NoCluster(_)
            | Self::Runtime(_)
            | Self::OnlyWarned { .. }
            | Self::NoNamespace { .. }
            | Self::NoRollouts => false,
            Self::NoAnswer(_)
            | Self::Accepted { .. }
            | Self::Forbidden { .. }
            | Self::Refused { .. } => true,
        }
    }
}
