//! The admin port (plain HTTP): /livez, /readyz and /metrics.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::health::{BROKEN, Readiness};
use crate::metrics::Metrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn router(readiness: Arc<Readiness>, metrics: Arc<Metrics>) -> Router {
    let alive = Arc::clone(&readiness);
    let live = async move || {
        if alive.is_broken() {
            (StatusCode::INTERNAL_SERVER_ERROR, BROKEN)
        } else {
            (StatusCode::OK, "ok\n")
        }
    };
    let ready = async move || match readiness.not_ready_reason() {
        None => (StatusCode::OK, "ok\n"),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    };
    let metrics = async move || ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()).into_response();
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}
