//! The plain port: /livez, /readyz, /metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::watch;

use super::Metrics;

/// Whether requests may be sent here.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    certificate: AtomicBool,
    cluster: watch::Sender<bool>,
    draining: AtomicBool,
}

pub(super) fn router(readiness: Arc<Readiness>, metrics: Arc<Metrics>) -> Router {
    let ready = async move || match readiness.missing() {
        None => (StatusCode::OK, "ok\n"),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    };
    let exposed = async move || ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()).into_response();
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposed))
}

impl Readiness {
    pub fn certificate_loaded(&self) {
        self.certificate.store(true, Ordering::Relaxed);
    }

    /// The manifests are read; of a live cluster: every watch has its first list.
    pub fn cluster_read(&self) {
        self.cluster.send_replace(true);
    }

    pub async fn until_cluster_is_read(&self) {
        // The sender is this one.
        let _ = self.cluster.subscribe().wait_for(|read| *read).await;
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A line that says why requests may not be sent here.
    fn missing(&self) -> Option<&'static str> {
        if self.draining.load(Ordering::Relaxed) {
            Some("ending\n")
        } else if !self.certificate.load(Ordering::Relaxed) {
            Some("no certificate yet\n")
        } else if !*self.cluster.borrow() {
            Some("the cluster is not read yet\n")
        } else {
            None
        }
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_between_start_and_end() {
        let readiness = Readiness::default();
        assert_eq!(readiness.missing(), Some("no certificate yet\n"));
        readiness.certificate_loaded();
        assert_eq!(readiness.missing(), Some("the cluster is not read yet\n"));
        readiness.cluster_read();
        assert_eq!(readiness.missing(), None);
        readiness.drain();
        assert_eq!(readiness.missing(), Some("ending\n"));
    }
}
