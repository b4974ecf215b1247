//! The service without a network: what is answered to what.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::BodyExt;
use hyper::body::Frame;
use rollout_guard::cluster::Cluster;
use rollout_guard::metrics::Metrics;
use rollout_guard::serve::{Answers, Limits, Webhook};
use rollout_guard::settings::Settings;
use serde_json::{Value, json};
use tower::ServiceExt;

#[tokio::test]
async fn echoes_the_uid_at_both_endpoints() {
    for path in ["/validate", "/mutate?timeout=2s"] {
        let (status, kind, body) = post(path, review(&rollout()).to_string()).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"), "{path}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["response"]["uid"], "some-uid");
        assert_eq!(answer["response"]["allowed"], true, "{body}");
    }
}

#[tokio::test]
async fn allows_a_kind_that_it_does_not_know() {
    let request = json!({"uid": "some-uid", "operation": "CREATE", "object": {"spec": 1},
        "kind": {"group": "serving.knative.dev", "version": "v1", "kind": "Service"}});
    for path in ["/validate", "/mutate"] {
        let (status, _, body) = post(path, review(&request).to_string()).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200);
        assert_eq!(answer["response"]["allowed"], true);
        assert_eq!(answer["response"].get("patch"), None);
        assert_eq!(answer["response"].get("warnings"), None);
    }
}

#[tokio::test]
async fn says_what_is_wrong_with_a_request() {
    let said = async |body: Value| {
        let (status, kind, body) = post("/validate", body.to_string()).await;
        assert_eq!((status, kind.as_str()), (400, "text/plain; charset=utf-8"));
        body
    };
    let (status, _, text) = post("/mutate", "{").await;
    assert_eq!(status, 400);
    assert!(text.starts_with("the body is not JSON"), "{text}");
    assert_eq!(post("/validate", "").await.0, 400);
    assert_eq!(post("/validate", vec![0xff, 0]).await.0, 400);
    assert_eq!(post("/validate", "[".repeat(100_000)).await.0, 400);
    assert!(said(json!({})).await.contains("`apiVersion`"));
    let mut other = review(&rollout());
    other["apiVersion"] = "admission.k8s.io/v1beta1".into();
    assert!(said(other).await.contains("v1beta1"));
    assert!(said(review(&Value::Null)).await.contains("`request`"));
    assert!(said(review(&json!({}))).await.contains("uid"));
}

#[tokio::test]
async fn takes_posts_at_its_two_paths_alone() {
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let request = Request::builder().method(method).uri("/validate");
        let (status, ..) = send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 405, "{method}");
    }
    assert_eq!(post("/", "{}").await.0, 404);
    assert_eq!(post("/validate/", "{}").await.0, 404);
}

#[tokio::test]
async fn takes_bodies_up_to_the_limit() {
    let mut padded = review(&rollout()).to_string();
    padded.push_str(&" ".repeat((8 << 20) - padded.len()));
    assert_eq!(post("/validate", padded.clone()).await.0, 200);
    padded.push(' ');
    let (status, _, text) = post("/validate", padded).await;
    assert_eq!(status, 413);
    assert_eq!(text, "the body is larger than 8388608 bytes\n");
    // One that neither says its length nor ends.
    let endless = Body::new(Chunks {
        left: usize::MAX,
        chunk: Bytes::from(vec![b' '; 1 << 16]),
    });
    assert_eq!(post("/validate", endless).await.0, 413);
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_body_for_a_while() {
    let half = Body::new(Chunks {
        left: 1,
        chunk: Bytes::from_static(b"{\"apiVersion\":"),
    });
    let (status, _, text) = post("/validate", half).await;
    assert_eq!(
        (status, text.as_str()),
        (408, "the body took longer than 10 s\n")
    );
}

/// A body of a chunk again and again, and then nothing, but no end.
struct Chunks {
    left: usize,
    chunk: Bytes,
}

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Pending;
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}

/// The status, content type and text of the answer.
async fn post(uri: &str, body: impl Into<Body>) -> (u16, String, String) {
    let request = Request::post(uri).header("content-type", "application/json");
    send(request.body(body.into()).expect("a request")).await
}

async fn send(request: Request<Body>) -> (u16, String, String) {
    let cluster = Arc::new(ArcSwap::from_pointee(Cluster::default()));
    let metrics = Arc::new(Metrics::default());
    let answers = Answers::of_manifests(cluster, Settings::default(), metrics);
    let webhook = Webhook::new(answers, &Limits::default());
    let response = webhook.router().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type");
    let kind = kind.map(|kind| kind.to_str().expect("text").to_owned());
    let body = response.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().to_vec()).expect("text");
    (status, kind.unwrap_or_default(), text)
}

fn review(request: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// The creation of a Rollout without traffic routing.
fn rollout() -> Value {
    json!({
        "uid": "some-uid",
        "operation": "CREATE",
        "kind": {"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout"},
        "namespace": "ns",
        "name": "app",
        "userInfo": {"username": "somebody"},
        "object": {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"namespace": "ns", "name": "app"},
            "spec": {
                "selector": {"matchLabels": {"app": "app"}},
                "template": {"metadata": {"labels": {"app": "app"}}},
                "strategy": {"canary": {"steps": [{"setWeight": 50}]}},
            },
        },
    })
}
