//! Recorded AdmissionReviews: what a real API server sent, the cluster before the write, and the expected
//! answers. The library, the command line and HTTPS give the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rollout_guard::cluster::Cluster;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

use crate::answer::{Answer, answer};
use crate::expected::snapshots;
use crate::tidy::{folders, names, root};

#[test]
fn every_recorded_review_gets_the_answers_of_its_snapshot() {
    let mut pages = BTreeMap::new();
    for recording in recordings() {
        let mut page = format!("/validate\n{}", lines(&recording.validated().body));
        if let Some(patch) = patch(&recording.mutated().body) {
            page += &format!("\n/mutate\n{patch}");
        }
        pages.insert(recording.name.clone(), page);
    }
    let pages = pages
        .iter()
        .map(|(name, page)| (name.as_str(), page.clone()));
    snapshots("tests/recorded", &pages.collect());
}

#[test]
fn the_command_line_gives_the_same_bytes() {
    for recording in recordings() {
        let expected = recording.validated();
        let output = recording.review(&[]);
        assert_eq!(output.stdout, expected.body, "{}", recording.name);
        let denied = i32::from(expected.decision.is_denied());
        assert_eq!(output.status.code(), Some(denied), "{}", recording.name);
    }
}

/// As the API server asks: `/mutate` first, then `/validate` with the patched object, over HTTPS.
#[cfg(feature = "serve")]
#[test]
fn the_webhook_gives_the_same_bytes_and_records_them() {
    for recording in recordings() {
        let (mutated, validated) = (recording.mutated(), recording.validated());
        let records = tempfile::tempdir().expect("a folder");
        let flag = format!("--record={}", records.path().display());
        let server = crate::server::Server::with(&recording.manifests, &[&flag]);
        let answer = server.post("mutate", &recording.body);
        assert_eq!(answer, (200, mutated.body.clone()), "{}", recording.name);
        let mut review: Value = serde_json::from_slice(&recording.body).expect("JSON");
        review["request"]["object"] = mutated.decision.request.object.clone();
        let patched = serde_json::to_vec(&review).expect("JSON");
        let answer = server.post("validate", &patched);
        assert_eq!(answer, (200, validated.body.clone()), "{}", recording.name);
        let records = crate::server::recordings(records.path(), 2);
        let (sent, patched) = (&records[0], &records[1]);
        assert_record(sent, &["--mutate"], &mutated.body);
        let recorded = read(sent, "response.json").expect("an answer");
        assert_eq!(read(sent, "patch.json"), patch(recorded.as_bytes()));
        assert_record(patched, &[], &validated.body);
        assert_eq!(read(patched, "patch.json"), None, "{}", recording.name);
    }
}

/// The answer is recorded, and `review` gives it again by what is recorded.
#[cfg(feature = "serve")]
fn assert_record(folder: &Path, flags: &[&str], answer: &[u8]) {
    let recorded = read(folder, "response.json");
    // Header values in a patch are redacted.
    let without_patch = |answer: &[u8]| {
        let mut answer: Value = serde_json::from_slice(answer).expect("JSON");
        answer["response"]["patch"].take();
        answer
    };
    let text = recorded.clone().unwrap_or_default();
    let (left, right) = (without_patch(text.as_bytes()), without_patch(answer));
    assert_eq!(left, right, "{}", folder.display());
    let output = review(folder, "cluster.json", flags);
    assert_eq!(
        Some(pretty(&output.stdout)),
        recorded,
        "{}",
        folder.display()
    );
}

#[cfg(feature = "serve")]
fn read(folder: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(file)).ok()
}

/// One folder under `tests/recorded`.
struct Recording {
    name: String,
    folder: PathBuf,
    /// `review.json`
    body: Vec<u8>,
    /// `cluster.json` or `cluster.yaml`
    manifests: PathBuf,
    cluster: Cluster,
}

impl Recording {
    fn read(name: String) -> Self {
        let folder = root().join("tests/recorded").join(&name);
        let mut files = names(&folder);
        files.sort();
        let known = [
            ["cluster.json", "review.json"],
            ["cluster.yaml", "review.json"],
        ];
        assert!(
            known.iter().any(|known| files == *known),
            "{name}: {files:?}"
        );
        let manifests = folder.join(&files[0]);
        Self {
            body: std::fs::read(folder.join("review.json")).expect("a review"),
            cluster: cluster(std::slice::from_ref(&manifests)),
            manifests,
            folder,
            name,
        }
    }

    fn answer(&self, phase: Phase) -> Answer {
        let answer = answer(&self.body, phase, &self.cluster, &Settings::default());
        answer.expect("an AdmissionReview")
    }

    fn mutated(&self) -> Answer {
        self.answer(Phase::Mutate)
    }

    fn validated(&self) -> Answer {
        self.answer(Phase::MutateThenValidate)
    }

    /// What `rollout-guard review` answers.
    fn review(&self, flags: &[&str]) -> Output {
        let manifests = self.manifests.to_str().expect("a path in UTF-8");
        review(&self.folder, manifests, flags)
    }
}

fn recordings() -> impl Iterator<Item = Recording> {
    let folders = folders("tests/recorded");
    assert!(!folders.is_empty());
    folders.into_iter().map(Recording::read)
}

fn review(folder: &Path, manifests: &str, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
        .args(["review", "--manifests", manifests, "review.json"])
        .args(flags)
        .current_dir(folder)
        .output()
        .expect("the command runs")
}

fn cluster(paths: &[PathBuf]) -> Cluster {
    let manifests = Manifests::read(paths, "default").expect("manifests");
    manifests.cluster(Settings::default().mesh)
}

/// The operations and warnings of an answer; `None` where it has neither.
fn patch(body: &[u8]) -> Option<String> {
    let answered: Value = serde_json::from_slice(body).expect("JSON");
    let response = &answered["response"];
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().cloned();
    let encoded = response["patch"].as_str().unwrap_or_default();
    let decoded = BASE64.decode(encoded).expect("base64");
    if decoded.is_empty() && warnings.is_none() {
        return None;
    }
    assert_eq!(response["patchType"], "JSONPatch");
    let operations: Value = serde_json::from_slice(&decoded).expect("operations");
    let said = json!({"patch": operations, "warnings": warnings.unwrap_or_default()});
    Some(pretty(&serde_json::to_vec(&said).expect("JSON")))
}

/// An answer in JSON; the message, which has several lines, as a list of them.
fn lines(body: &[u8]) -> String {
    let mut answer: Value = serde_json::from_slice(body).expect("JSON");
    if let Some(message) = answer.pointer_mut("/response/status/message") {
        let text = message.as_str().expect("text").to_owned();
        *message = text.split('\n').collect();
    }
    pretty(&serde_json::to_vec(&answer).expect("JSON"))
}

fn pretty(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).expect("JSON");
    let text = serde_json::to_string_pretty(&value).expect("JSON");
    format!("{text}\n")
}
