//! HTTP requests and their answers.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, WARNING};
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::store::{Store, Target};
use super::{FakeApi, Fault, kinds};

/// The content type of server-side apply.
const APPLY: &str = "application/apply-patch+yaml";

impl FakeApi {
    /// # Errors
    /// The connection ends without an answer.
    pub(crate) async fn answer<B>(self, request: Request<B>) -> io::Result<Response>
    where
        B: axum::body::HttpBody<Error: Debug>,
    {
        let (parts, body) = request.into_parts();
        let is_read = parts.method == Method::GET && !is_watch(&parts);
        let fault = self.store().fault;
        match fault {
            Fault::Refuse => return Ok(failure(StatusCode::INTERNAL_SERVER_ERROR)),
            Fault::Hang => std::future::pending().await,
            Fault::HangReads if is_read => std::future::pending().await,
            Fault::SlowReads(latency) if is_read => self.wait(latency).await,
            Fault::BreakReads(left) if is_read && left > 0 => {
                self.store().fault = Fault::BreakReads(left - 1);
                return Err(io::Error::other("broken by the test"));
            }
            _ => {}
        }
        let body = body.collect().await.unwrap().to_bytes();
        let warning = self.store().warning.clone();
        let warning = warning.filter(|(path, _)| parts.uri.path().contains(path.as_str()));
        let mut response = self.store().answer(parts, &body);
        if let Some((_, text)) = warning {
            let header = format!("299 - \"{text}\"").parse().unwrap();
            response.headers_mut().insert(WARNING, header);
        }
        Ok(response)
    }

    async fn wait(&self, latency: Duration) {
        {
            let mut store = self.store();
            store.slow_reads += 1;
            store.running_reads += 1;
            store.most_running_reads = store.most_running_reads.max(store.running_reads);
        }
        sleep(latency).await;
        self.store().running_reads -= 1;
    }
}

impl Store {
    fn answer(&mut self, parts: Parts, body: &Bytes) -> Response {
        let path = parts.uri.path();
        if let Some(text) = self.texts.get(path) {
            return text.clone().into_response();
        }
        if parameter(&parts, "dryRun").is_some() {
            return self.dry_run();
        }
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match *segments {
            ["apis"] => return found(&kinds::groups(&self.groups)),
            ["apis", group, version] if self.groups.contains(&group) => {
                return found(&kinds::resources(group, version));
            }
            _ => {}
        }
        let Some(target) = Target::parse(path).filter(|target| self.is_served(&target.plural))
        else {
            return failure(StatusCode::NOT_FOUND);
        };
        if parts.method == Method::GET {
            return self.read(target, &parts);
        }
        let body = serde_json::from_slice(body).unwrap();
        if target.plural == "subjectaccessreviews" {
            return match self.access(body) {
                Ok(review) => found(&review),
                Err(status) => failure(status),
            };
        }
        let is_apply = parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == APPLY);
        let written = if is_apply {
            self.apply(&target, &body)
        } else {
            self.write(&parts.method, target, &body)
        };
        match written {
            Ok(object) => {
                let uri = parts.uri.to_string();
                self.writes.push((parts.method, uri, body));
                found(&object)
            }
            Err(status) => failure(status),
        }
    }

    fn dry_run(&self) -> Response {
        let (status, body) = self.dry_run.clone().unwrap_or((201, Value::Null));
        let status = StatusCode::from_u16(status).unwrap();
        (status, body.to_string()).into_response()
    }

    fn read(&mut self, target: Target, parts: &Parts) -> Response {
        let number = |name| parameter(parts, name).and_then(|text| text.parse().ok());
        let is_one = !target.name.is_empty();
        let target = match parameter(parts, "fieldSelector") {
            // `metadata.name=NAME`, with `%3D` for the sign.
            Some(selector) => target.named(selector.rsplit(['=', 'D']).next().unwrap()),
            None => target,
        };
        if is_watch(parts) {
            let listed = number("resourceVersion").unwrap_or_default();
            return stream(self.watch(target, listed as u64));
        }
        if !is_one {
            let before = number("continue").unwrap_or_default();
            return found(&self.list(&target, number("limit"), before));
        }
        if let Fault::FailReads(status) = self.fault {
            return failure(StatusCode::from_u16(status).unwrap());
        }
        match self.object(&target) {
            Some(object) => found(object),
            None => failure(StatusCode::NOT_FOUND),
        }
    }
}

fn is_watch(parts: &Parts) -> bool {
    parameter(parts, "watch") == Some("true")
}

fn parameter<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn stream(events: UnboundedReceiver<Value>) -> Response {
    let lines = stream::unfold(events, async |mut events| {
        let event = events.recv().await?;
        let line = Bytes::from(format!("{event}\n"));
        Some((Ok::<_, Infallible>(line), events))
    });
    Body::from_stream(lines).into_response()
}

fn found(value: &Value) -> Response {
    value.to_string().into_response()
}

fn failure(status: StatusCode) -> Response {
    let reason = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        StatusCode::UNPROCESSABLE_ENTITY => "Invalid",
        _ => "InternalError",
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                      "message": "refused by the test", "code": status.as_u16()});
    (status, body.to_string()).into_response()
}
