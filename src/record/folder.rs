//! One recording: a folder with a review, the objects that its decision read, and the answer, without secrets.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::redact::Redaction;
use crate::decide::{Decision, Mutated};
use crate::model::Kind;
use crate::request::Request;

/// In characters, of each part of a folder's name.
const MAX_PART_CHARS: usize = 40;

/// What a recording is made of.
pub(super) struct Recording {
    /// What the folder's name says, after its number.
    pub name: String,
    /// The AdmissionReview.
    pub body: Bytes,
    pub answer: Vec<u8>,
    /// The operations of the answer's patch.
    operations: Option<Value>,
    /// The objects that were read for the decision, whole.
    objects: Vec<Value>,
}

/// `mutate-update-virtualservice-ns-name`, of letters that a folder may have.
pub(super) fn name(request: &Request) -> String {
    let kind = request.kind.map_or("", Kind::as_str);
    let parts = [
        request.phase.as_str(),
        request.operation.as_str(),
        kind,
        &request.namespace,
        &request.name,
    ];
    let parts = parts.map(|part| {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() { c } else { '-' }
        };
        part.chars()
            .take(MAX_PART_CHARS)
            .map(plain)
            .collect::<String>()
    });
    parts.join("-").to_lowercase()
}

impl Recording {
    /// # Errors
    /// A patch that is not JSON.
    pub fn new(
        body: &Bytes,
        decision: &Decision,
        answer: &[u8],
        objects: Vec<Value>,
    ) -> serde_json::Result<Self> {
        let patched = decision
            .mutation
            .as_ref()
            .filter(|one| Mutated::patches(one));
        let operations = patched.map(|mutated| serde_json::to_value(mutated.patch.operations()));
        Ok(Self {
            name: name(&decision.request),
            body: body.clone(),
            answer: answer.to_owned(),
            operations: operations.transpose()?,
            objects,
        })
    }

    /// Writes the folder, and puts it in its place once it is complete. Returns its size in bytes; `None` if it would
    /// have been larger than the limit.
    pub fn write(self, place: &Path, limit: u64) -> io::Result<Option<u64>> {
        let files = self.files()?;
        let size = files.iter().map(|(_, text)| text.len() as u64).sum();
        if size > limit {
            return Ok(None);
        }
        let partial = partial(place);
        let written = write(&partial, &files).and_then(|()| std::fs::rename(&partial, place));
        if written.is_err() {
            // What is left of it is no recording.
            let _ = std::fs::remove_dir_all(&partial);
        }
        written.map(|()| Some(size))
    }

    fn files(self) -> serde_json::Result<Vec<(&'static str, String)>> {
        let mut redaction = Redaction::default();
        let mut review = serde_json::from_slice(&self.body)?;
        let mut answer: Value = serde_json::from_slice(&self.answer)?;
        redaction.review(&mut review);
        let mut objects = self.objects;
        for object in &mut objects {
            redaction.stored(object);
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let mut files = vec![
            ("review.json", text(&review)?),
            ("cluster.json", text(&list)?),
        ];
        if let Some(mut operations) = self.operations {
            redaction.object(&mut operations);
            // A live route that a patch restores may hold what is redacted in the review.
            let patch = BASE64.encode(operations.to_string());
            if let Some(answered) = answer.pointer_mut("/response/patch") {
                *answered = patch.into();
            }
            let warnings = answer.pointer("/response/warnings").cloned();
            let warnings = warnings.unwrap_or_else(|| json!([]));
            let patch = json!({"patch": operations, "warnings": warnings});
            files.push(("patch.json", text(&patch)?));
        }
        files.push(("response.json", text(&answer)?));
        Ok(files)
    }
}

fn text(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The folder and its files can be read by this user alone.
fn write(folder: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let (mut builder, mut options) = (DirBuilder::new(), OpenOptions::new());
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        DirBuilderExt::mode(&mut builder, 0o700);
        OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.create(folder)?;
    for (name, text) in files {
        let mut file = options.open(folder.join(name))?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn partial(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}"))
}
