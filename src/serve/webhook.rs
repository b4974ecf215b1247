//! The endpoints /validate and /mutate: read a body, decide, write the answer.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

use super::answer::{Answer, out_of_time};
use super::answers::{Answers, Terms};
use super::body::{BodyReader, Reserved, ReviewBody};
use super::deadline::Deadline;
use super::limits::Limits;
use super::log_once::LogOnce;
use super::log_rate::LogRate;
use super::pool::Pool;
use super::refusal::Refusal;
use super::review_log::{self, short};
use super::unlisted_controllers::UnlistedControllers;
use crate::decide::Decision;
use crate::metrics::Metrics;
use crate::model::ENFORCE;
use crate::record::Recorder;
use crate::request::Phase;

/// The service of both endpoints, and its limits.
pub struct Webhook {
    body_reader: BodyReader,
    answers: Answers,
    metrics: Arc<Metrics>,
    unlisted: UnlistedControllers,
    unknown_enforce: LogOnce,
    refusals: LogRate,
    pub(super) recorder: Option<Recorder>,
}

impl Webhook {
    pub fn new(answers: Answers, limits: &Limits) -> Self {
        Self {
            body_reader: BodyReader {
                limit: limits.body_limit,
                pool: Pool::new(limits),
            },
            metrics: Arc::clone(&answers.metrics),
            unlisted: UnlistedControllers::new(
                Arc::clone(&answers.cluster),
                Arc::clone(&answers.settings),
                answers.events.clone(),
            ),
            unknown_enforce: LogOnce::default(),
            refusals: LogRate::default(),
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
                if let Some(left_out) = self.refusals.next() {
                    review_log::refused(phase, status, &reason, left_out);
                }
                (status, reason + "\n").into_response()
            }
        }
    }

    async fn review(&self, phase: Phase, request: Request) -> Result<Vec<u8>, Refusal> {
        let arrived = Instant::now();
        let deadline = Deadline::of(request.uri().query(), arrived);
        let body = request.into_body();
        match self.body_reader.read(body, deadline).await? {
            ReviewBody::Start(start) => Ok(self.report(out_of_time(&start, phase)?, arrived)),
            ReviewBody::Whole(body) => {
                let terms = Terms {
                    phase,
                    arrived,
                    deadline,
                    lane: body.lane.clone(),
                    controller_seen: self.unlisted.is_controller_seen(),
                    trace: self.recorder.is_some(),
                };
                self.answer(body, &terms).await
            }
        }
    }

    async fn answer(&self, body: Reserved, terms: &Terms) -> Result<Vec<u8>, Refusal> {
        let start = Instant::now();
        let answer = self.answers.answer(body.bytes.clone(), terms).await?;
        if let Some(recorder) = &self.recorder {
            let until = terms.deadline.instant();
            let kept = recorder.keep(&body.bytes, &answer.decision, &answer.bytes, until);
            kept.await;
        }
        Ok(self.report(answer, start))
    }

    /// Counts and logs the answer.
    fn report(&self, answer: Answer, start: Instant) -> Vec<u8> {
        let Answer { decision, bytes } = answer;
        let took = start.elapsed();
        self.metrics.answered(&decision, took);
        review_log::decided(&decision, took);
        self.unlisted.check(&decision);
        self.warn_of_unknown_enforce(&decision);
        bytes
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
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
