//! Renders a decision as the bytes of an AdmissionReview. The types are our own: kube's serialise a patch as an
//! array of numbers, and its denial has neither code nor causes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::denial::{self, Status};
use super::warnings;
use crate::decide::{Action, Decision, Judged, Mutated, Spared};
use crate::request::Phase;

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

/// The AdmissionReview that answers the request of the decision, and a line end.
///
/// # Errors
/// None that is known: everything in an answer can be serialised.
pub fn render(decision: &Decision) -> serde_json::Result<Vec<u8>> {
    let review = Review {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: match decision.request.phase {
            Phase::Mutate => patch(decision)?,
            Phase::Validate | Phase::MutateThenValidate => verdict(decision),
        },
    };
    let mut body = serde_json::to_vec(&review)?;
    body.push(b'\n');
    Ok(body)
}

fn verdict(decision: &Decision) -> Response<'_> {
    let denied = decision.is_denied();
    Response {
        uid: &decision.request.uid,
        allowed: !denied,
        status: decision
            .write
            .as_ref()
            .filter(|_| denied)
            .map(|write| denial::status(decision, write)),
        patch_type: None,
        patch: None,
        warnings: warnings::of_findings(decision),
        audit_annotations: findings(decision),
    }
}

fn patch(decision: &Decision) -> serde_json::Result<Response<'_>> {
    let mutation = decision.mutation.as_ref();
    let patches = mutation.filter(|mutated| mutated.patches());
    let patch = match patches {
        Some(mutated) => Some(serde_json::to_vec(mutated.patch.operations())?),
        None => None,
    };
    Ok(Response {
        uid: &decision.request.uid,
        allowed: true,
        status: None,
        patch_type: patches.map(|_| "JSONPatch"),
        patch: patch.map(|patch| BASE64.encode(patch)),
        warnings: warnings::of_patch(decision),
        audit_annotations: mutations(decision),
    })
}

/// Audit annotations; the API server prefixes their names with the webhook's.
type Annotations = BTreeMap<&'static str, String>;

fn annotations(decision: &Decision, outcome: &'static str) -> Annotations {
    let mut annotations = BTreeMap::from([("decision", outcome.to_owned())]);
    if let Some(reason) = decision.exempt {
        annotations.insert("exempt", reason.as_str().to_owned());
    }
    annotations
}

fn mutations(decision: &Decision) -> Annotations {
    let outcome = decision.exempt.map_or("allow", |_| "exempt");
    let mut annotations = annotations(decision, outcome);
    if let Some(Mutated { by, observed, .. }) = &decision.mutation
        && !by.is_empty()
    {
        let name = if *observed {
            "would-patch"
        } else {
            "patched-by"
        };
        annotations.insert(name, by.join(","));
    }
    annotations
}

fn findings(decision: &Decision) -> Annotations {
    let mut annotations = annotations(decision, decision.outcome());
    let rules = |pass: fn(&Judged) -> bool| {
        let judged = decision.judged.iter().filter(|judged| pass(judged));
        let mut codes: Vec<&str> = judged.map(|judged| judged.finding.rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(",")
    };
    let denying = rules(|judged| judged.action == Action::Deny);
    let would = rules(|judged| judged.spared == Some(Spared::Observed));
    let pending = rules(|judged| matches!(judged.spared, Some(Spared::Pending(_))));
    let in_dry_run = rules(|judged| matches!(judged.spared, Some(Spared::DryRun(_))));
    let warning = rules(|judged| judged.action == Action::Warn && judged.spared.is_none());
    let lists = [
        ("denied-by", denying),
        ("would-deny", would),
        ("pending", pending),
        ("dry-run", in_dry_run),
        ("warned-by", warning),
    ];
    annotations.extend(lists.into_iter().filter(|(_, codes)| !codes.is_empty()));
    annotations
}
