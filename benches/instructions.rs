//! The instructions and allocations of one review, as valgrind counts them: exact, on a busy machine too. It runs itself
//! below valgrind for each kind of review and each size of the cluster.
//!
//!     cargo bench --bench instructions [-- FLOWS...]

// A benchmark ends where its set-up fails, and it writes the file it measures.
#![allow(clippy::expect_used, clippy::disallowed_methods)]

mod flows;

use std::collections::HashMap;
use std::env;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use flows::{CONTROLLER, USER, body, rollout, virtual_service};
use rollout_guard::cluster::Cluster;
use rollout_guard::decide::decide;
use rollout_guard::request::Phase;
use rollout_guard::review::{parse, render};
use rollout_guard::settings::Settings;

/// So that what only the first review costs does not count.
const WARM_UP: usize = 20;
const MEASURED: usize = 20;
const FLOWS: [usize; 3] = [10, 1_000, 100_000];
/// Says to the process below valgrind what to measure.
const CASE: &str = "ROLLOUT_GUARD_BENCH_CASE";
const REVIEWS: [Review; 5] = [
    ("exempt", Phase::Validate, CONTROLLER, vs),
    ("mutate", Phase::Mutate, USER, vs),
    ("validate", Phase::Validate, USER, vs),
    ("mutate a Rollout", Phase::Mutate, USER, ro),
    ("validate a Rollout", Phase::Validate, USER, ro),
];

/// Name, endpoint, user, and the body for a user.
type Review = (&'static str, Phase, &'static str, fn(&str) -> Vec<u8>);

/// Of one review.
struct Cost {
    instructions: u64,
    allocations: u64,
}

fn main() {
    if let Ok(case) = env::var(CASE) {
        let (name, flows) = case.split_once('/').expect("a review and a size");
        return run(name, flows.parse().expect("a number"));
    }
    let sizes: Vec<usize> = env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() {
        FLOWS.to_vec()
    } else {
        sizes
    };
    println!(
        "{:20} {:>8} {:>14} {:>9} {:>9} {:>12}",
        "review", "flows", "instructions", "/ exempt", "growth", "allocations"
    );
    let mut exempt = HashMap::new();
    for (name, ..) in REVIEWS {
        let mut smallest = None;
        for flows in &sizes {
            let cost = below_valgrind(name, *flows);
            let count = cost.instructions;
            let ratio = ratio(count, *exempt.entry(*flows).or_insert(count));
            let growth = self::ratio(count, *smallest.get_or_insert(count));
            println!(
                "{name:20} {flows:>8} {count:>14} {ratio:>9.2} {growth:>9.3} {:>12}",
                cost.allocations
            );
        }
    }
}

#[allow(clippy::cast_precision_loss)] // two digits are shown
fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

fn vs(user: &str) -> Vec<u8> {
    body(&virtual_service(7, "5s"), &virtual_service(7, "3s"), user)
}

fn ro(user: &str) -> Vec<u8> {
    body(&rollout(7), &rollout(7), user)
}

/// Answers the review as the webhook does.
fn run(name: &str, flows: usize) {
    let cluster = flows::cluster(flows);
    let review = REVIEWS.iter().find(|(known, ..)| *known == name);
    let (_, phase, user, body) = review.expect("a review");
    let (body, settings) = (body(user), Settings::default());
    for _ in 0..WARM_UP {
        black_box(answer(&body, *phase, &cluster, &settings));
    }
    for _ in 0..MEASURED {
        black_box(measured_answer(&body, *phase, &cluster, &settings));
    }
}

fn answer(body: &[u8], phase: Phase, cluster: &Cluster, settings: &Settings) -> Vec<u8> {
    let request = parse(body, phase).expect("an AdmissionReview");
    render(&decide(request, cluster, settings)).expect("an answer")
}

/// Valgrind counts what happens below it.
#[inline(never)]
fn measured_answer(body: &[u8], phase: Phase, cluster: &Cluster, settings: &Settings) -> Vec<u8> {
    answer(black_box(body), phase, cluster, settings)
}

fn below_valgrind(name: &str, flows: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("callgrind.out");
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*measured_answer*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().expect("this program"))
        .env(CASE, format!("{name}/{flows}"))
        .output()
        .expect("valgrind is installed");
    assert!(
        valgrind.status.success(),
        "{}",
        String::from_utf8_lossy(&valgrind.stderr)
    );
    if let Ok(folder) = env::var("CALLGRIND_FOLDER") {
        let to = Path::new(&folder).join(format!("{}-{flows}.out", name.replace(' ', "-")));
        std::fs::copy(&file, to).expect("a copy");
    }
    cost(&std::fs::read_to_string(file).expect("callgrind's output"))
}

/// Sums up the output of callgrind.
fn cost(profile: &str) -> Cost {
    let (mut instructions, mut allocations) = (0, 0);
    // Names are given once, as `(12) name`.
    let mut allocators: Vec<&str> = Vec::new();
    let mut called = "";
    for line in profile.lines() {
        if let Some(total) = line.strip_prefix("totals: ") {
            instructions = total.parse().expect("a number");
        }
        let name = line
            .strip_prefix("cfn=")
            .or_else(|| line.strip_prefix("fn="));
        if let Some((id, name)) = name.and_then(|name| name.split_once(' '))
            && ["malloc", "calloc", "realloc"].contains(&name)
        {
            allocators.push(id);
        }
        if let Some(name) = line.strip_prefix("cfn=") {
            called = name.split(' ').next().unwrap_or(name);
        }
        if let Some(calls) = line.strip_prefix("calls=")
            && allocators.contains(&called)
        {
            let count = calls.split(' ').next().expect("a count");
            allocations += count.parse::<u64>().expect("a number");
        }
    }
    let times = MEASURED as u64;
    Cost {
        instructions: instructions / times,
        allocations: allocations / times,
    }
}
