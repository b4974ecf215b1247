//! What a review costs among 10, 1,000 and 10,000 flows, and what `check` costs for 10,000 manifests.

// A benchmark ends where its set-up fails, and it writes the file it measures.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::format_push_string
)]

mod flows;

use std::path::PathBuf;

use divan::{Bencher, black_box};
use rollout_guard::cluster::Cluster;
use rollout_guard::decide::decide;
use rollout_guard::files::manifests::Manifests;
use rollout_guard::request::Phase;
use rollout_guard::review::{parse, render};
use rollout_guard::settings::Settings;
use serde_json::Value;

use flows::{USER, body, cluster, objects, rollout, virtual_service};

fn main() {
    divan::main();
}

/// The VirtualService of one flow is written again with another timeout.
#[divan::bench(args = [10, 1_000, 10_000])]
fn validate_a_virtual_service(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&virtual_service(7, "5s"), &virtual_service(7, "3s"), USER);
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Validate, &cluster, &settings));
}

/// The same at the mutating endpoint.
#[divan::bench(args = [10, 1_000, 10_000])]
fn mutate_a_virtual_service(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&virtual_service(7, "5s"), &virtual_service(7, "3s"), USER);
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Mutate, &cluster, &settings));
}

/// The Rollout of one flow is written again.
#[divan::bench(args = [10, 1_000, 10_000])]
fn validate_a_rollout(bencher: Bencher<'_, '_>, flows: usize) {
    let cluster = cluster(flows);
    let body = body(&rollout(7), &rollout(7), USER);
    let settings = Settings::default();
    bencher.bench(|| answer(black_box(&body), Phase::Validate, &cluster, &settings));
}

/// What the webhook does with the bytes of a request.
fn answer(body: &[u8], phase: Phase, cluster: &Cluster, settings: &Settings) -> Vec<u8> {
    let request = parse(body, phase).expect("an AdmissionReview");
    render(&decide(request, cluster, settings)).expect("an answer")
}

/// Reading and judging 2,500 flows of four manifests in one file.
#[divan::bench(sample_count = 10)]
fn check_10_000_manifests(bencher: Bencher<'_, '_>) {
    let file = manifests_file();
    bencher.bench(|| {
        let manifests = Manifests::read(std::slice::from_ref(&file), "default");
        let manifests = manifests.expect("manifests");
        rollout_guard::cli::check(&manifests, &Settings::default(), true).errors()
    });
}

fn manifests_file() -> PathBuf {
    let documents = (0..2_500).flat_map(objects);
    let documents: Vec<String> = documents.map(|value| yaml(&value)).collect();
    let path =
        std::env::temp_dir().join(format!("rollout-guard-bench-{}.yaml", std::process::id()));
    std::fs::write(&path, documents.join("---\n")).expect("the manifests are written");
    path
}

/// Block style, as people write it.
fn yaml(value: &Value) -> String {
    fn write(value: &Value, indent: usize, out: &mut String) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let nested = value.is_object() || value.is_array();
                    *out += &format!("{:indent$}{key}:{}", "", if nested { "\n" } else { " " });
                    write(value, indent + 2, out);
                }
            }
            Value::Array(items) => {
                for item in items {
                    let mut inner = String::new();
                    write(item, indent + 2, &mut inner);
                    *out += &format!("{:indent$}- {}", "", inner.trim_start());
                }
            }
            scalar => *out += &format!("{scalar}\n"),
        }
    }
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}
