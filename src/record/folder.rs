//! One recording: a folder in the form of `tests/recorded/`, made from what the rules can read of it.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::{Value, json};

use super::redact::Redaction;
use crate::cluster::Cluster;
use crate::files::manifests::Manifests;
use crate::model::Kind;
use crate::request::Request;
use crate::review::{self, Endpoint};
use crate::settings::Settings;

/// What a recording is made of.
pub(super) struct Recording {
    pub endpoint: Endpoint,
    pub body: Vec<u8>,
    /// The objects that the answer looked at, whole.
    pub objects: Vec<Value>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// What the folder's name says, after its number.
    pub name: String,
}

/// `mutate-update-virtualservice-ns-name`, of letters that a folder may have.
pub(super) fn name(endpoint: Endpoint, request: &Request) -> String {
    let kind = request.kind.map_or("", Kind::as_str);
    let parts = [
        endpoint.as_str(),
        request.operation.as_str(),
        kind,
        &request.namespace,
        &request.name,
    ];
    let parts = parts.map(|part| {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() { c } else { '-' }
        };
        part.chars().take(LONGEST).map(plain).collect::<String>()
    });
    parts.join("-").to_lowercase()
}

impl Recording {
    /// Writes the folder, and puts it in its place once it is complete.
    pub fn write(self, place: &Path, settings: &Settings) -> Result<(), String> {
        let partial = partial(place);
        let written = self.write_to(&partial, settings);
        let written =
            written.and_then(|()| std::fs::rename(&partial, place).map_err(|error| said(&error)));
        if written.is_err() {
            // What is left of it is no recording.
            let _ = std::fs::remove_dir_all(&partial);
        }
        written
    }

    fn write_to(self, folder: &Path, settings: &Settings) -> Result<(), String> {
        let mut redaction = Redaction::default();
        let mut review: Value = serde_json::from_slice(&self.body).map_err(|error| said(&error))?;
        redaction.review(&mut review);
        let mut objects = self.objects;
        for object in &mut objects {
            redaction.stored(object);
        }
        std::fs::create_dir(folder).map_err(|error| said(&error))?;
        let body = pretty(&review);
        write(folder, "review.json", &body)?;
        write(folder, "cluster.yaml", &yaml(&objects)?)?;
        let manifests = [folder.join("cluster.yaml")];
        let manifests = Manifests::read(&manifests, "default").map_err(|error| said(&error))?;
        let cluster = manifests.cluster(settings.mesh.clone());
        let again = replay(&body, Endpoint::MutateThenValidate, &cluster, settings)?;
        write(folder, "response.json", &pretty(&again))?;
        let mutated = replay(&body, Endpoint::Mutate, &cluster, settings)?;
        if let Some(patch) = patch(&mutated) {
            write(folder, "patch.json", &pretty(&patch))?;
        }
        let allowed = again.pointer("/response/allowed") == Some(&self.allowed.into());
        if self.endpoint == Endpoint::Validate && !allowed {
            tracing::warn!(
                "recording {} answers otherwise than was answered",
                self.name
            );
        }
        Ok(())
    }
}

/// What the recorded review is answered by the recorded cluster.
fn replay(
    body: &str,
    endpoint: Endpoint,
    cluster: &Cluster,
    settings: &Settings,
) -> Result<Value, String> {
    let answer = review::answer(body.as_bytes(), endpoint, cluster, settings);
    let answer = answer.map_err(|error| said(&error))?;
    serde_json::from_slice(&answer.body).map_err(|error| said(&error))
}

/// The operations and warnings of an answer; `None` where it has neither.
fn patch(answer: &Value) -> Option<Value> {
    let response = answer.get("response")?;
    let encoded = response.get("patch").and_then(Value::as_str);
    let decoded = BASE64.decode(encoded.unwrap_or_default()).ok()?;
    let operations: Value = serde_json::from_slice(&decoded).unwrap_or_else(|_| json!([]));
    let warnings = response.get("warnings").cloned();
    if encoded.is_none() && warnings.is_none() {
        return None;
    }
    let warnings = warnings.unwrap_or_else(|| json!([]));
    Some(json!({"patch": operations, "warnings": warnings}))
}

fn yaml(objects: &[Value]) -> Result<String, String> {
    let options = serde_saphyr::ser_options! { compact_list_indent: true };
    let text = serde_saphyr::to_string_multiple_with_options(objects, options);
    text.map_err(|error| said(&error))
}

fn pretty(value: &impl Serialize) -> String {
    // Values always serialise.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn write(folder: &Path, file: &str, text: &str) -> Result<(), String> {
    std::fs::write(folder.join(file), text).map_err(|error: io::Error| said(&error))
}

fn partial(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}"))
}

fn said(error: &dyn std::fmt::Display) -> String {
    error.to_string()
}

/// In characters, of each part of a name.
const LONGEST: usize = 40;
