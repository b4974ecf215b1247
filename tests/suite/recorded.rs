//! Recorded AdmissionReviews: what a real API server sent, the cluster as it stood, and the pinned answer.
//! The library, the command line and HTTPS give the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rollout_guard::cluster::Cluster;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

use crate::answer::answer;
use crate::tidy::root;

#[test]
fn every_recorded_review_gets_its_pinned_answer() {
    let mut faults = Vec::new();
    for folder in recordings() {
        let body = std::fs::read(folder.join("review.json")).expect("a review");
        let cluster = cluster(&[folder.join("cluster.yaml")]);
        let answer = answer(
            &body,
            Phase::MutateThenValidate,
            &cluster,
            &Settings::default(),
        );
        let answer = answer.expect("an AdmissionReview");
        let text = pretty(&answer.body);
        let pinned = folder.join("response.json");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&pinned, &text).expect("the answer is written");
        } else if std::fs::read_to_string(&pinned).unwrap_or_default() != text {
            faults.push(format!("{} answers\n{text}", folder.display()));
        }
    }
    assert!(
        faults.is_empty(),
        "{}\n(UPDATE=1 pins the answers)",
        faults.join("\n")
    );
}

/// Beside the answer, `patch.json` pins what `/mutate` makes of the write, where it makes anything of it.
#[test]
fn every_recorded_write_gets_its_pinned_patch() {
    let mut faults = Vec::new();
    for folder in recordings() {
        let body = std::fs::read(folder.join("review.json")).expect("a review");
        let cluster = cluster(&[folder.join("cluster.yaml")]);
        let answer = answer(&body, Phase::Mutate, &cluster, &Settings::default());
        let said = patch(&answer.expect("an AdmissionReview").body);
        let pinned = folder.join("patch.json");
        if std::env::var_os("UPDATE").is_none() {
            if std::fs::read_to_string(&pinned).ok() != said {
                faults.push(format!("{} patches\n{said:?}", folder.display()));
            }
        } else if let Some(said) = said {
            std::fs::write(&pinned, said).expect("the patch is written");
        } else if pinned.exists() {
            std::fs::remove_file(&pinned).expect("the patch is gone");
        }
    }
    assert!(
        faults.is_empty(),
        "{}\n(UPDATE=1 pins the patches)",
        faults.join("\n")
    );
}

#[test]
fn the_command_line_gives_the_same_bytes() {
    for folder in recordings() {
        let body = std::fs::read(folder.join("review.json")).expect("a review");
        let cluster = cluster(&[folder.join("cluster.yaml")]);
        let expected = answer(
            &body,
            Phase::MutateThenValidate,
            &cluster,
            &Settings::default(),
        );
        let expected = expected.expect("an AdmissionReview");
        let output = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
            .args(["review", "--manifests", "cluster.yaml", "review.json"])
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        assert_eq!(output.stdout, expected.body, "{}", folder.display());
        let denied = i32::from(expected.decision.is_denied());
        assert_eq!(output.status.code(), Some(denied), "{}", folder.display());
    }
}

/// As the API server asks: `/mutate` first, then `/validate` with the patched object, over HTTPS.
#[cfg(feature = "serve")]
#[test]
fn the_webhook_gives_the_same_bytes() {
    for folder in recordings() {
        let body = std::fs::read(folder.join("review.json")).expect("a review");
        let manifests = folder.join("cluster.yaml");
        let cluster = cluster(std::slice::from_ref(&manifests));
        let expect = |endpoint| {
            let answer = answer(&body, endpoint, &cluster, &Settings::default());
            answer.expect("an AdmissionReview")
        };
        let kept = tempfile::tempdir().expect("a folder");
        let record = format!("--record={}", kept.path().display());
        let server = crate::server::Server::with(&manifests, &[&record]);
        let mutated = expect(Phase::Mutate);
        assert_eq!(server.post("mutate", &body), (200, mutated.body.clone()));
        let mut review: Value = serde_json::from_slice(&body).expect("JSON");
        review["request"]["object"] = mutated.decision.request.object.clone();
        let patched = serde_json::to_vec(&review).expect("JSON");
        let judged = expect(Phase::MutateThenValidate);
        let answered = server.post("validate", &patched);
        assert_eq!(answered, (200, judged.body), "{}", folder.display());
        assert_recorded(&folder, &mutated.body, kept.path());
    }
}

/// Both answers are recorded, and `review` gives them again by what is recorded.
#[cfg(feature = "serve")]
fn assert_recorded(folder: &Path, mutated: &[u8], kept: &Path) {
    let kept = crate::server::recordings(kept, 2);
    let pinned = |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).ok();
    let (sent, patched) = (&kept[0], &kept[1]);
    let said = |folder: &Path| pinned(folder, "response.json");
    assert_eq!(said(sent), Some(pretty(mutated)), "{}", folder.display());
    assert_eq!(said(patched), said(folder), "{}", folder.display());
    let patch = |folder: &Path| pinned(folder, "patch.json");
    assert_eq!(patch(sent), patch(folder), "{}", folder.display());
    assert_eq!(patch(patched), None, "{}", folder.display());
    for (kept, flags) in [(sent, &["--mutate"][..]), (patched, &[])] {
        let output = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
            .args(["review", "--manifests", "cluster.json", "review.json"])
            .args(flags)
            .current_dir(kept)
            .output()
            .expect("the command runs");
        assert_eq!(
            Some(pretty(&output.stdout)),
            said(kept),
            "{}",
            folder.display()
        );
    }
}

/// All recordings that the team shares, where they are at hand: no panic, a well-formed answer, and the
/// controller's and the system's writes pass without a word.
#[test]
fn every_shared_recording_is_answered() {
    for review in shared_recordings() {
        let name = review.display();
        let body = std::fs::read(&review).expect("a review");
        let manifests = review
            .to_string_lossy()
            .replace(".review.json", ".cluster.json");
        let cluster = cluster(&[PathBuf::from(manifests)]);
        let once = answer(
            &body,
            Phase::MutateThenValidate,
            &cluster,
            &Settings::default(),
        );
        let once = once.unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = answer(
            &body,
            Phase::MutateThenValidate,
            &cluster,
            &Settings::default(),
        );
        assert_eq!(again.expect("an answer").body, once.body, "{name}");
        let answered: Value = serde_json::from_slice(&once.body).expect("JSON");
        let sent: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            answered["response"]["uid"], sent["request"]["uid"],
            "{name}"
        );
        well_formed(&answered["response"], &name.to_string());
        if name.to_string().contains("-controller-") || name.to_string().contains("-system-") {
            assert_eq!(answered["response"]["allowed"], true, "{name}");
            assert!(
                answered["response"].get("warnings").is_none(),
                "{name}: {answered:#}"
            );
        }
    }
}

fn well_formed(response: &Value, name: &str) {
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
    assert!(
        texts.iter().map(|text| text.len()).sum::<usize>() < 4096,
        "{name}"
    );
    for text in texts {
        assert!(
            text.chars().count() <= 256 && !text.contains('\n'),
            "{name}: {text}"
        );
    }
    if response["allowed"] == false {
        let status = &response["status"];
        assert_eq!(
            (&status["code"], &status["reason"]),
            (&422.into(), &"Invalid".into())
        );
        let causes = status["details"]["causes"].as_array().expect("causes");
        assert!(!causes.is_empty(), "{name}");
        for cause in causes {
            let message = cause["message"].as_str().expect("a message");
            assert!(
                message.contains("[rollout-guard RG") && message.ends_with(']'),
                "{name}: {message}"
            );
        }
    }
}

/// The folders under `tests/recorded`.
pub fn recordings() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/recorded")).expect("recordings");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder").path())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

pub fn cluster(paths: &[PathBuf]) -> Cluster {
    let manifests = Manifests::read(paths, "default").expect("manifests");
    manifests.cluster(Settings::default().mesh)
}

/// The reviews of the shared folder beside the repository, or beside the folder of its worktrees; none
/// where it is not there.
pub fn shared_recordings() -> Vec<PathBuf> {
    let above = root().ancestors().skip(1).take(2);
    let mut shared = above.map(|folder| folder.join("shared/recordings"));
    let shared = shared.find(|folder| folder.is_dir());
    let pattern = |path: &Path| path.to_string_lossy().ends_with(".review.json");
    let mut reviews: Vec<PathBuf> = shared
        .into_iter()
        .flat_map(walkdir::WalkDir::new)
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| pattern(path))
        .collect();
    reviews.sort();
    reviews
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

fn pretty(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).expect("JSON");
    let text = serde_json::to_string_pretty(&value).expect("JSON");
    format!("{text}\n")
}
