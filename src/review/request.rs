//! Parses the bytes of an AdmissionReview into a [`Request`]. Kinds that rollout-guard does not know pass; bytes
//! that are no review are refused.

use std::fmt;

use serde_json::Value;

use crate::model::{Kind, Operation};
use crate::request::{Phase, Request};

/// Why bytes are no AdmissionReview that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest(String);

/// Parses the bytes of an AdmissionReview; its objects are moved into the request.
///
/// # Errors
/// [`BadRequest`] for bytes that are no AdmissionReview with a request: the caller answers HTTP 400.
pub fn parse(body: &[u8], phase: Phase) -> Result<Request, BadRequest> {
    let mut review: Value = serde_json::from_slice(body)
        .map_err(|error| BadRequest(format!("the body is not JSON: {error}")))?;
    expect(&review, "apiVersion", "admission.k8s.io/v1")?;
    expect(&review, "kind", "AdmissionReview")?;
    let Some(Value::Object(request)) = review.get_mut("request") else {
        return Err(BadRequest("the AdmissionReview has no `request`".into()));
    };
    let (object, old_object) = (request.remove("object"), request.remove("oldObject"));
    let Some(uid) = request.get("uid").and_then(Value::as_str) else {
        return Err(BadRequest("`request.uid` is missing".into()));
    };
    let text = |name: &str| string(request.get(name));
    let part = |name: &str, field: &str| string(request.get(name).and_then(|of| of.get(field)));
    let (group, kind_name) = (part("kind", "group"), part("kind", "kind"));
    let operation = operation(&text("operation"))?;
    let request = Request {
        phase,
        uid: uid.to_owned(),
        // CONNECT writes nothing.
        kind: operation.and_then(|_| Kind::in_group(&group, &kind_name)),
        group,
        kind_name,
        operation: operation.unwrap_or(Operation::Update),
        subresource: text("subResource"),
        namespace: text("namespace"),
        name: text("name"),
        user: part("userInfo", "username"),
        object: object.unwrap_or_default(),
        old_object: old_object.unwrap_or_default(),
        dry_run: request.get("dryRun") == Some(&Value::Bool(true)),
        controller_seen: false,
        trace: false,
    };
    complete(request)
}

/// A write of a kind that we judge must carry its object.
fn complete(request: Request) -> Result<Request, BadRequest> {
    let judged = request.kind.is_some_and(Kind::is_guarded) && request.subresource.is_empty();
    if judged && !request.subject().is_object() {
        let field = match request.operation {
            Operation::Delete => "oldObject",
            Operation::Create | Operation::Update => "object",
        };
        return Err(BadRequest(format!("`request.{field}` is not an object")));
    }
    Ok(request)
}

fn expect(review: &Value, field: &str, wanted: &str) -> Result<(), BadRequest> {
    let found = string(review.get(field));
    if found == wanted {
        return Ok(());
    }
    Err(BadRequest(format!(
        "`{field}` is `{found}`, expected `{wanted}`"
    )))
}

/// `None` for CONNECT.
fn operation(text: &str) -> Result<Option<Operation>, BadRequest> {
    match text {
        "CREATE" => Ok(Some(Operation::Create)),
        "UPDATE" => Ok(Some(Operation::Update)),
        "DELETE" => Ok(Some(Operation::Delete)),
        "CONNECT" => Ok(None),
        other => Err(BadRequest(format!("`request.operation` is `{other}`"))),
    }
}

fn string(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
