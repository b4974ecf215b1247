//! The endpoints /validate and /mutate: read a body, decide, write the answer.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};
use tower_http::catch_panic::CatchPanicLayer;

use super::answers::Answers;
use super::deadline::Deadline;
use super::log_once::LogOnce;
use super::options::DEFAULT_BODY_LIMIT_BYTES;
use super::review_log::{self, short};
use super::unlisted_controllers::UnlistedControllers;
use crate::decide::Decision;
use crate::metrics::Metrics;
use crate::model::ENFORCE;
use crate::record::Recorder;
use crate::request::Phase;
use crate::review::{self, BadRequest};

/// How much of a body that is too large is read and thrown away.
const MAX_DISCARDED_BYTES: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// The service of both endpoints, and its limits.
pub struct Webhook {
    /// In bytes.
    pub body_limit: usize,
    /// How long the client may take to send the body.
    pub body_time: Duration,
    answers: Answers,
    metrics: Arc<Metrics>,
    unlisted: UnlistedControllers,
    unknown_enforce: LogOnce,
    pub(super) recorder: Option<Recorder>,
}

/// The status and the reason for a request that gets no review.
struct Refusal(StatusCode, String);

impl Webhook {
    pub fn new(answers: Answers) -> Self {
        Self {
            body_limit: DEFAULT_BODY_LIMIT_BYTES,
            body_time: Duration::from_secs(10),
            metrics: Arc::clone(&answers.metrics),
            unlisted: UnlistedControllers::new(
                Arc::clone(&answers.cluster),
                Arc::clone(&answers.settings),
                answers.events.clone(),
            ),
            unknown_enforce: LogOnce::default(),
            answers,
            recorder: None,
        }
    }

    pub fn router(self) -> Router {
        let metrics = Arc::clone(&self.metrics);
        let webhook = Arc::new(self);
        let at = |phase| {
            let webhook = Arc::clone(&webhook);
            post(async move |request| webhook.respond(phase, request).await)
        };
        let router = Router::new()
            .route("/validate", at(Phase::Validate))
            .route("/mutate", at(Phase::Mutate));
        survive_panics(router, metrics)
    }

    async fn respond(&self, phase: Phase, request: Request) -> Response {
        match self.review(phase, request).await {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(Refusal(status, reason)) => {
                self.metrics.refused(status);
                review_log::refused(phase, status, &reason);
                (status, reason + "\n").into_response()
            }
        }
    }

    async fn review(&self, phase: Phase, request: Request) -> Result<Vec<u8>, Refusal> {
        let deadline = Deadline::of(request.uri().query(), Instant::now());
        let body = self.read(request.into_body()).await?;
        let start = Instant::now();
        let mut request = match review::parse(&body, phase) {
            Ok(request) => request,
            Err(error) => return self.allow_unread(&error, phase),
        };
        request.controller_seen = self.unlisted.is_controller_seen();
        request.trace = self.recorder.is_some();
        let decision = self.answers.decide(request, deadline).await;
        let answer = review::render(&decision)?;
        let took = start.elapsed();
        self.metrics.answered(&decision, took);
        review_log::decided(&decision, took);
        self.unlisted.check(&decision);
        self.warn_of_unknown_enforce(&decision);
        if let Some(recorder) = &self.recorder {
            let kept = deadline.bound(recorder.keep(&body, &decision, &answer));
            if kept.await.is_none() {
                tracing::warn!("a review is not recorded: no time was left to read the cluster");
            }
        }
        Ok(answer)
    }

    /// A review that cannot be read is answered if it has a uid.
    fn allow_unread(&self, error: &BadRequest, phase: Phase) -> Result<Vec<u8>, Refusal> {
        let reason = error.to_string();
        let Some(decision) = review::allow_unread(error, phase) else {
            return Err(Refusal(StatusCode::BAD_REQUEST, reason));
        };
        tracing::warn!(
            error = &*short(&reason),
            "a review cannot be read: it is allowed"
        );
        self.metrics.answered(&decision, Duration::ZERO);
        Ok(review::render(&decision)?)
    }

    /// Once for each namespace.
    fn warn_of_unknown_enforce(&self, decision: &Decision) {
        let namespace = &decision.request.namespace;
        if let Some(value) = &decision.unknown_enforce
            && self.unknown_enforce.is_new(namespace)
        {
            tracing::warn!(
                namespace = &*short(namespace),
                value = &*short(value),
                "unknown value of the namespace label {ENFORCE}: the profile of the settings applies"
            );
        }
    }

    async fn read(&self, body: Body) -> Result<Bytes, Refusal> {
        let within = timeout(self.body_time, read(body, self.body_limit));
        within.await.unwrap_or_else(|_| {
            let reason = format!(
                "the body took longer than {} s",
                self.body_time.as_secs_f64()
            );
            Err(Refusal(StatusCode::REQUEST_TIMEOUT, reason))
        })
    }
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let reason = format!("the body cannot be read: {error}");
            Refusal(StatusCode::BAD_REQUEST, reason)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            drop((bytes, data));
            discard(body).await;
            let reason = format!("the body is larger than {limit} bytes");
            return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, reason));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// Reads the rest of the body for a while: most clients read the answer only after they have sent everything.
async fn discard(mut body: Body) {
    let rest = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = match left.checked_sub(length) {
                None => return,
                Some(left) => left,
            };
        }
    };
    // The answer is the same if the body is not read to its end.
    let _ = timeout(DISCARD_TIMEOUT, rest).await;
}

/// A panic in a review only affects that review, which is answered with status 500.
fn survive_panics(router: Router, metrics: Arc<Metrics>) -> Router {
    let respond = move |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        tracing::error!(panic = text, "a fault of rollout-guard: a review panicked");
        metrics.refused(StatusCode::INTERNAL_SERVER_ERROR);
        (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response()
    };
    router.layer(CatchPanicLayer::custom(respond))
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        let reason = format!("the answer cannot be written: {error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tower::ServiceExt;

    #[tokio::test]
    async fn answers_500_to_a_fault() {
        let faulty = get(async || -> () { panic!("on purpose") });
        let metrics = Arc::new(Metrics::default());
        let router = survive_panics(Router::new().route("/", faulty), Arc::clone(&metrics));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let counted = "rollout_guard_refused_requests_total{code=\"500\"} 1";
        assert!(metrics.text().contains(counted), "{}", metrics.text());
    }
}
