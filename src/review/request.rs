//! Parses the bytes of an AdmissionReview into a [`Request`]. Kinds that rollout-guard does not know pass; bytes
//! that are no review are refused.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::{Envelope, Fields, text};
use super::{partial, whole};
use crate::model::{Kind, Operation};
use crate::request::{AllowRight, Phase, Request, UserInfo};

/// More than any authenticator says of a user. It is sent to the API server.
const MAX_USER_BYTES: usize = 64 << 10;

/// Why bytes are no AdmissionReview that can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    reason: String,
    /// Of the request, if it could be read: it can then be answered.
    uid: Option<String>,
}

/// Parses the bytes of an AdmissionReview. Fields that nothing reads are skipped at any depth.
///
/// # Errors
/// [`BadRequest`] for bytes that are no AdmissionReview with a request.
pub fn parse(body: &[u8], phase: Phase) -> Result<Request, BadRequest> {
    let mut envelope = Envelope::default();
    let read = envelope.read(body);
    let uid = text(envelope.request.get("uid"));
    let bad = |reason: String| {
        let of_ours = expect(&envelope.review, "apiVersion", "admission.k8s.io/v1").is_ok();
        BadRequest {
            reason,
            uid: uid.clone().filter(|_| of_ours),
        }
    };
    read.map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    expect(&envelope.review, "apiVersion", "admission.k8s.io/v1").map_err(bad)?;
    expect(&envelope.review, "kind", "AdmissionReview").map_err(bad)?;
    if !envelope.request.is_object {
        return Err(bad("the AdmissionReview has no `request`".into()));
    }
    let Some(uid) = uid.clone() else {
        return Err(bad("`request.uid` is missing".into()));
    };
    let mut request = unread(phase, uid);
    fill(&mut request, &envelope.request).map_err(bad)?;
    Ok(request)
}

/// The user of a review that could be parsed; `None` if it cannot be read, or is too long to ask about.
pub fn user_info(body: &[u8]) -> Option<UserInfo> {
    let mut envelope = Envelope::default();
    envelope.read(body).ok()?;
    let text = envelope.request.get("userInfo")?.get();
    (text.len() <= MAX_USER_BYTES)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// A request of which nothing is known but its uid.
pub(super) fn unread(phase: Phase, uid: String) -> Request {
    Request {
        phase,
        uid,
        kind: None,
        group: String::new(),
        kind_name: String::new(),
        operation: Operation::Update,
        subresource: String::new(),
        namespace: String::new(),
        name: String::new(),
        user: String::new(),
        object: Value::Null,
        old_object: Value::Null,
        dry_run: false,
        controller_seen: false,
        allow_right: AllowRight::Unknown,
        trace: false,
    }
}

fn fill(request: &mut Request, fields: &Fields<'_>) -> Result<(), String> {
    let string = |name: &str| text(fields.get(name)).unwrap_or_default();
    let part = |name: &str, field: &str| {
        let of = fields.get(name);
        let of = of.map(|of| Fields::of(of, &["group", "kind", "username"]));
        of.and_then(|of| text(of.get(field))).unwrap_or_default()
    };
    let operation = operation(&string("operation"))?;
    request.group = part("kind", "group");
    request.kind_name = part("kind", "kind");
    // CONNECT writes nothing.
    request.kind = operation.and_then(|_| Kind::in_group(&request.group, &request.kind_name));
    request.operation = operation.unwrap_or(Operation::Update);
    request.subresource = string("subResource");
    request.namespace = string("namespace");
    request.name = string("name");
    request.user = part("userInfo", "username");
    request.dry_run = fields.get("dryRun").is_some_and(|set| set.get() == "true");
    let texts = [fields.get("object"), fields.get("oldObject")];
    [request.object, request.old_object] = objects(request.kind, texts);
    complete(request)
}

/// Both objects as a whole, or of both what rules read.
fn objects(kind: Option<Kind>, texts: [Option<&RawValue>; 2]) -> [Value; 2] {
    let Some(kind) = kind.filter(|kind| kind.is_guarded()) else {
        return [Value::Null, Value::Null];
    };
    let whole = texts.map(|text| text.map_or(Some(Value::Null), whole::value));
    match whole {
        [Some(object), Some(old_object)] => [object, old_object],
        _ => texts.map(|text| text.map_or(Value::Null, |text| partial::value(text, kind))),
    }
}

/// A write of a kind that we judge must carry its object.
fn complete(request: &Request) -> Result<(), String> {
    let judged = request.kind.is_some_and(Kind::is_guarded) && request.subresource.is_empty();
    if judged && !request.subject().is_object() {
        let field = match request.operation {
            Operation::Delete => "oldObject",
            Operation::Create | Operation::Update => "object",
        };
        return Err(format!("`request.{field}` is not an object"));
    }
    Ok(())
}

fn expect(review: &Fields<'_>, field: &str, wanted: &str) -> Result<(), String> {
    let found = text(review.get(field)).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    Err(format!("`{field}` is `{found}`, expected `{wanted}`"))
}

/// `None` for CONNECT.
fn operation(text: &str) -> Result<Option<Operation>, String> {
    match text {
        "CREATE" => Ok(Some(Operation::Create)),
        "UPDATE" => Ok(Some(Operation::Update)),
        "DELETE" => Ok(Some(Operation::Delete)),
        "CONNECT" => Ok(None),
        other => Err(format!("`request.operation` is `{other}`")),
    }
}

impl BadRequest {
    /// The uid, if the request has a readable one.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for BadRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_review() {
        let said = |body: &str| {
            parse(body.as_bytes(), Phase::Validate)
                .unwrap_err()
                .to_string()
        };
        assert!(said("{").starts_with("the body is not JSON"));
        assert_eq!(
            said(r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#),
            "`apiVersion` is `admission.k8s.io/v1beta1`, expected `admission.k8s.io/v1`"
        );
        let review = |request: &str| {
            format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{request}}}"#
            )
        };
        assert_eq!(
            said(&review("null")),
            "the AdmissionReview has no `request`"
        );
        assert_eq!(said(&review("{}")), "`request.uid` is missing");
        assert_eq!(
            said(&review(
                r#"{"uid":"u","operation":"CREATE","kind":{"group":"argoproj.io","kind":"Rollout"}}"#
            )),
            "`request.object` is not an object"
        );
    }

    #[test]
    fn passes_on_what_is_not_ours() {
        let body = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":
            {"uid":"u","operation":"CREATE","kind":{"group":"appmesh.k8s.aws","kind":"VirtualService"}}}"#;
        assert_eq!(parse(body.as_bytes(), Phase::Validate).unwrap().kind, None);
    }
}
