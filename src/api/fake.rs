//! For tests: as much of an API server as writers need, in memory behind a [`kube::Client`]: versions that
//! conflict, patches that merge or test, watches that tell.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Clone, Default)]
pub struct FakeApi(Arc<Mutex<Store>>);

#[derive(Default)]
struct Store {
    /// By path.
    objects: BTreeMap<String, Value>,
    watches: Vec<(String, UnboundedSender<Value>)>,
    writes: Vec<(Method, String, Value)>,
    revision: u64,
    fault: Fault,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Fault {
    #[default]
    None,
    /// Every request is refused.
    Refuse,
    /// No request is answered.
    Hang,
}

impl FakeApi {
    pub fn client(&self) -> Client {
        let router = Router::new().fallback(answer).with_state(self.clone());
        Client::new(router, "default")
    }

    pub fn fail(&self, fault: Fault) {
        self.store().fault = fault;
    }

    pub fn object(&self, path: &str) -> Option<Value> {
        self.store().objects.get(path).cloned()
    }

    /// As somebody else would write it.
    pub fn put(&self, path: &str, object: Value) {
        self.store().keep(path, object);
    }

    pub fn delete(&self, path: &str) {
        let mut store = self.store();
        if let Some(object) = store.objects.remove(path) {
            store.tell(path, &json!({"type": "DELETED", "object": object}));
        }
    }

    /// What was written through clients and not refused: method, path with query, body.
    pub fn writes(&self) -> Vec<(Method, String, Value)> {
        self.store().writes.clone()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }
}

impl Store {
    fn keep(&mut self, path: &str, mut object: Value) -> Value {
        self.revision += 1;
        let name = path.rsplit('/').next().unwrap();
        object["metadata"]["name"] = name.into();
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        self.objects.insert(path.to_owned(), object.clone());
        self.tell(path, &json!({"type": "MODIFIED", "object": object}));
        object
    }

    fn tell(&mut self, path: &str, event: &Value) {
        let tell = |(watched, watch): &(String, UnboundedSender<Value>)| {
            watched != path || watch.send(event.clone()).is_ok()
        };
        self.watches.retain(tell);
    }

    /// Tells from the version on that the list had.
    fn watch(&mut self, path: String, query: &str) -> UnboundedReceiver<Value> {
        let (events, told) = unbounded_channel();
        let listed = parameter(query, "resourceVersion").and_then(|text| text.parse().ok());
        let listed: u64 = listed.unwrap_or_default();
        if let Some(object) = self.objects.get(&path) {
            let version = object["metadata"]["resourceVersion"].as_str().unwrap();
            if version.parse::<u64>().unwrap() > listed {
                let _ = events.send(json!({"type": "MODIFIED", "object": object}));
            }
        }
        self.watches.push((path, events));
        told
    }

    fn write(&mut self, method: &Method, path: &str, body: &Value) -> Result<Value, StatusCode> {
        if method == Method::POST {
            let name = body["metadata"]["name"].as_str().unwrap();
            let path = format!("{path}/{name}");
            let fresh = !self.objects.contains_key(&path);
            return if fresh {
                Ok(self.keep(&path, body.clone()))
            } else {
                Err(StatusCode::CONFLICT)
            };
        }
        let old = self.objects.get(path).ok_or(StatusCode::NOT_FOUND)?;
        let mut new = old.clone();
        if method == Method::PUT {
            new = body.clone();
        } else if body.is_array() {
            let patch: json_patch::Patch = serde_json::from_value(body.clone()).unwrap();
            let patched = json_patch::patch(&mut new, &patch);
            patched.map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
        } else {
            json_patch::merge(&mut new, body);
        }
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if version(&new) == version(old) {
            Ok(self.keep(path, new))
        } else {
            Err(StatusCode::CONFLICT)
        }
    }
}

async fn answer(State(api): State<FakeApi>, request: Request) -> Response {
    let fault = api.store().fault;
    match fault {
        Fault::None => {}
        Fault::Refuse => return status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Hang => std::future::pending().await,
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let named = named_by(query);
    let mut store = api.store();
    if query.contains("watch=true") {
        return stream(store.watch(format!("{path}/{named}"), query));
    }
    if parts.method != Method::GET {
        let body = serde_json::from_slice(&body).unwrap();
        let written = store.write(&parts.method, path, &body);
        if written.is_ok() {
            let target = parts.uri.to_string();
            store.writes.push((parts.method, target, body));
        }
        return match written {
            Ok(object) => axum_json(&object),
            Err(code) => status(code),
        };
    }
    if !named.is_empty() {
        let items: Vec<&Value> = store
            .objects
            .get(&format!("{path}/{named}"))
            .into_iter()
            .collect();
        let metadata = json!({"resourceVersion": store.revision.to_string()});
        return axum_json(&json!({"kind": "List", "metadata": metadata, "items": items}));
    }
    match store.objects.get(path) {
        Some(object) => axum_json(object),
        None => status(StatusCode::NOT_FOUND),
    }
}

fn stream(events: UnboundedReceiver<Value>) -> Response {
    let lines = stream::unfold(events, async |mut events| {
        let event = events.recv().await?;
        Some((Bytes::from(format!("{event}\n")), events))
    });
    Body::from_stream(lines.map(Ok::<_, Infallible>)).into_response()
}

/// The name in `fieldSelector=metadata.name=NAME`.
fn named_by(query: &str) -> String {
    let name = parameter(query, "fieldSelector").and_then(|one| one.rsplit(['=', 'D']).next());
    name.unwrap_or_default().to_owned()
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn axum_json(value: &Value) -> Response {
    value.to_string().into_response()
}

fn status(code: StatusCode) -> Response {
    let reason = match code {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        StatusCode::UNPROCESSABLE_ENTITY => "Invalid",
        _ => "InternalError",
    };
    let status = json!({"kind": "Status", "status": "Failure", "reason": reason,
                        "message": "refused by the test", "code": code.as_u16()});
    (code, status.to_string()).into_response()
}
