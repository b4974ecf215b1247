//! Reads paths of the API server. kube's own calls keep the warnings of an answer to themselves; here they are kept.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::WARNING;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

const READ_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_OBJECTS_PER_PAGE: usize = 500;

pub(super) struct Reader {
    pub client: Client,
    warnings: Mutex<BTreeSet<String>>,
}

/// A value, or why it cannot be read.
pub(super) type Read<T> = Result<T, String>;

impl Reader {
    pub fn new(client: Client) -> Self {
        let warnings = Mutex::default();
        Self { client, warnings }
    }

    /// The warnings of all answers so far.
    pub fn warnings(&self) -> BTreeSet<String> {
        let warnings = self.warnings.lock();
        warnings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The object at this path; `None` if there is none.
    pub async fn get(&self, path: &str) -> Read<Option<Value>> {
        let text = self.text(path).await?;
        let parsed = text.map(|text| serde_json::from_slice(&text)).transpose();
        parsed.map_err(|error| format!("{path}: {error}"))
    }

    /// Calls `each` with every object of the list at this path, page by page. A kind that is not served has no objects.
    pub async fn each(&self, path: &str, mut each: impl FnMut(&Value)) -> Read<()> {
        let mut token = String::new();
        loop {
            let page = format!("{path}?limit={MAX_OBJECTS_PER_PAGE}{token}");
            let Some(page) = self.get(&page).await? else {
                return Ok(());
            };
            list(&page, "/items").iter().for_each(&mut each);
            match text(&page, "/metadata/continue") {
                "" => return Ok(()),
                next => token = format!("&continue={next}"),
            }
        }
    }

    /// What is at this path; `None` if there is nothing.
    pub async fn text(&self, path: &str) -> Read<Option<Vec<u8>>> {
        let answered = timeout(READ_TIMEOUT, self.send(path)).await;
        let (status, body) = answered.map_err(|_| "the API server does not answer")??;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(body)),
            status => {
                let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
                match text(&answer, "/message") {
                    "" => Err(status.to_string()),
                    message => Err(message.to_owned()),
                }
            }
        }
    }

    async fn send(&self, path: &str) -> Read<(StatusCode, Vec<u8>)> {
        let request = Request::get(path).header("Accept", "application/json");
        let request = request.body(Body::empty());
        let request = request.map_err(|error| error.to_string())?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| error.to_string())?;
        self.keep_warnings(response.headers());
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| error.to_string())?;
        Ok((status, body.to_bytes().to_vec()))
    }

    fn keep_warnings(&self, headers: &HeaderMap) {
        let mut kept = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        let headers = headers.get_all(WARNING).iter();
        kept.extend(headers.filter_map(|header| Some(warning(header.to_str().ok()?))));
    }
}

/// The text of `299 - "text"`.
fn warning(header: &str) -> String {
    let quoted = header.split_once('"').map_or(header, |(_, text)| text);
    let text = quoted.strip_suffix('"').unwrap_or(quoted);
    text.replace("\\\"", "\"")
}

/// The string at a pointer; empty if there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// The list at a pointer; empty if there is none.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    let found = object.pointer(pointer).and_then(Value::as_array);
    found.map(Vec::as_slice).unwrap_or_default()
}

/// `namespace/name`, or the name of an object without a namespace.
pub(super) fn full_name(object: &Value) -> String {
    let name = text(object, "/metadata/name");
    match text(object, "/metadata/namespace") {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}
