//! From a verdict to the bytes of the answering AdmissionReview. Our own type: kube's serialises a patch
//! as an array of numbers and its denial has neither code nor causes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::denial::{self, Status};
use super::warnings;
use crate::decide::Mutated;
use crate::request::Request;
use crate::verdict::{Action, Judged, Verdict};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    /// RFC 6902 in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    audit_annotations: BTreeMap<&'static str, String>,
}

pub(super) fn write(request: &Request, verdict: &Verdict) -> Vec<u8> {
    let denied = verdict.is_denied();
    bytes(Response {
        uid: &request.uid,
        allowed: !denied,
        status: denied.then(|| denial::status(request, verdict)),
        patch_type: None,
        patch: None,
        warnings: warnings::of(request, verdict),
        audit_annotations: audit_annotations(verdict),
    })
}

pub(super) fn write_patch(request: &Request, mutated: &Mutated) -> Vec<u8> {
    let patches = !mutated.patch.is_empty() && !mutated.observed;
    // Operations of ours always serialise.
    let patch = serde_json::to_vec(mutated.patch.operations()).unwrap_or_default();
    let by = mutated.by.join(",");
    let mut annotations = BTreeMap::from([("decision", "allow".to_owned())]);
    if let Some(reason) = mutated.exempt {
        annotations.insert("decision", "exempt".to_owned());
        annotations.insert("exempt", reason.as_str().to_owned());
    }
    if !by.is_empty() {
        let name = if mutated.observed {
            "would-patch"
        } else {
            "patched-by"
        };
        annotations.insert(name, by);
    }
    bytes(Response {
        uid: &request.uid,
        allowed: true,
        status: None,
        patch_type: patches.then_some("JSONPatch"),
        patch: patches.then(|| BASE64.encode(patch)),
        warnings: warnings::of_patch(mutated),
        audit_annotations: annotations,
    })
}

fn bytes(response: Response<'_>) -> Vec<u8> {
    let review = Review {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response,
    };
    // Strings, maps and booleans always serialise.
    let mut body = serde_json::to_vec(&review).unwrap_or_default();
    body.push(b'\n');
    body
}

/// What became of a write that was judged, in a word.
pub(super) fn decision(verdict: &Verdict) -> &'static str {
    match verdict.exempt {
        Some(_) => "exempt",
        None if verdict.is_denied() => "deny",
        None if verdict.judged.is_empty() => "allow",
        None => "warn",
    }
}

/// The API server prefixes the names with the webhook's.
fn audit_annotations(verdict: &Verdict) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([("decision", decision(verdict).to_owned())]);
    if let Some(reason) = verdict.exempt {
        annotations.insert("exempt", reason.as_str().to_owned());
    }
    let rules = |pass: fn(&Judged) -> bool| {
        let judged = verdict.judged.iter().filter(|judged| pass(judged));
        let mut codes: Vec<&str> = judged.map(|judged| judged.finding.rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(",")
    };
    let denying = rules(|judged| judged.action == Action::Deny);
    let would = rules(|judged| judged.would_deny);
    let warning = rules(|judged| judged.action == Action::Warn && !judged.would_deny);
    let lists = [
        ("denied-by", denying),
        ("would-deny", would),
        ("warned-by", warning),
    ];
    annotations.extend(lists.into_iter().filter(|(_, codes)| !codes.is_empty()));
    annotations
}
