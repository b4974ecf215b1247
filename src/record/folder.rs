//! One recording: a folder with a review, the objects that its decision read, and the answer, without secrets.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
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
    review: Value,
    answer: Value,
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
    /// A body or an answer that is not JSON.
    pub fn new(
        body: &[u8],
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
            review: serde_json::from_slice(body)?,
            answer: serde_json::from_slice(answer)?,
            operations: operations.transpose()?,
            objects,
        })
    }

    /// Writes the folder, and puts it in its place once it is complete.
    pub fn write(self, place: &Path) -> io::Result<()> {
        let partial = partial(place);
        let written = self.write_to(&partial);
        let written = written.and_then(|()| std::fs::rename(&partial, place));
        if written.is_err() {
            // What is left of it is no recording.
            let _ = std::fs::remove_dir_all(&partial);
        }
        written
    }

    fn write_to(mut self, folder: &Path) -> io::Result<()> {
        self.redact();
        std::fs::create_dir(folder)?;
        write(folder, "review.json", &self.review)?;
        let list = json!({"apiVersion": "v1", "kind": "List", "items": self.objects});
        write(folder, "cluster.json", &list)?;
        write(folder, "response.json", &self.answer)?;
        match self.operations {
            Some(operations) => {
                let warnings = self.answer.pointer("/response/warnings").cloned();
                let warnings = warnings.unwrap_or_else(|| json!([]));
                let patch = json!({"patch": operations, "warnings": warnings});
                write(folder, "patch.json", &patch)
            }
            None => Ok(()),
        }
    }

    fn redact(&mut self) {
        let mut redaction = Redaction::default();
        redaction.review(&mut self.review);
        for object in &mut self.objects {
            redaction.stored(object);
        }
        if let Some(operations) = &mut self.operations {
            redaction.object(operations);
            // A live route that a patch restores may hold what is redacted in the review.
            let patch = BASE64.encode(operations.to_string());
            if let Some(answered) = self.answer.pointer_mut("/response/patch") {
                *answered = patch.into();
            }
        }
    }
}

fn write(folder: &Path, file: &str, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    std::fs::write(folder.join(file), text)
}

fn partial(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}"))
}
