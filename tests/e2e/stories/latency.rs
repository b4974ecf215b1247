//! How long reviews take by the guard's own histogram and by the API server's, those that are answered by what is
//! remembered and those that read what they rest on again.

use hyper::http::Request;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::alone;
use crate::api;
use crate::bed::Bed;
use crate::flow::in_mid_canary;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[alone!(a_review_takes_milliseconds)];

fn a_review_takes_milliseconds(bed: &Bed) {
    let world = World::new(bed, "latency");
    in_mid_canary(&world);
    let remembered = Taken::of(bed, || write(&world, true));
    assert_eq!(remembered.live_reads, 0);
    let read = Taken::of(bed, || write(&world, false));
    assert!(read.live_reads > 0);
    for (what, taken) in [("without", &remembered), ("with", &read)] {
        eprintln!(
            "e2e: {COUNT} reviews {what} live reads: median {:.2} ms (the API server: {:.1} ms)",
            taken.guard * 1e3,
            taken.api_server * 1e3
        );
    }
    assert!(remembered.guard < 0.1, "{} s", remembered.guard);
    assert!(read.guard < 0.5, "{} s", read.guard);
}

/// What some reviews took: medians of /validate, in seconds.
struct Taken {
    guard: f64,
    api_server: f64,
    live_reads: u64,
}

impl Taken {
    fn of(bed: &Bed, write: impl Fn() + Sync) -> Self {
        let before = Counts::now(bed);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..COUNT / THREADS).for_each(|_| write()));
            }
        });
        let after = Counts::now(bed);
        Self {
            guard: median(&before.guard, &after.guard),
            api_server: median(&before.api_server, &after.api_server),
            live_reads: after.live_reads - before.live_reads,
        }
    }
}

/// Histograms as pairs of a bucket's bound and what was counted up to it.
struct Counts {
    guard: Vec<(f64, u64)>,
    api_server: Vec<(f64, u64)>,
    live_reads: u64,
}

impl Counts {
    fn now(bed: &Bed) -> Self {
        let metrics = bed.guard().metrics();
        let guard: Vec<&str> = metrics.iter().flat_map(|(_, text)| text.lines()).collect();
        let request = Request::get("/metrics")
            .body(Vec::new())
            .expect("a request");
        let api_server = bed.block_on(bed.client.request_text(request));
        let api_server = api_server.expect("the API server's metrics");
        let api_server: Vec<&str> = api_server.lines().collect();
        let reads = guard.iter().filter_map(|line| {
            let line = line.strip_prefix("rollout_guard_live_reads_total{")?;
            line.rsplit_once(' ')?.1.parse::<u64>().ok()
        });
        Self {
            live_reads: reads.sum(),
            guard: buckets(
                &guard,
                "rollout_guard_review_duration_seconds_bucket{",
                "validate",
            ),
            api_server: buckets(
                &api_server,
                "apiserver_admission_webhook_admission_duration_seconds_bucket{",
                "flows.validate.rollout-guard.io",
            ),
        }
    }
}

fn buckets(lines: &[&str], metric: &str, label: &str) -> Vec<(f64, u64)> {
    let mut all: Vec<(f64, u64)> = Vec::new();
    for line in lines.iter().filter(|line| line.contains(label)) {
        let Some((labels, count)) = line
            .strip_prefix(metric)
            .and_then(|line| line.rsplit_once(' '))
        else {
            continue;
        };
        let bound = labels
            .split("le=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let bound = bound.map(|bound| bound.replace("+Inf", "inf"));
        let bound: f64 = bound.and_then(|bound| bound.parse().ok()).expect("a bound");
        let count: f64 = count.parse().expect("a count");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = count as u64;
        match all
            .iter_mut()
            .find(|(known, _)| known.total_cmp(&bound).is_eq())
        {
            Some((_, sum)) => *sum += count,
            None => all.push((bound, count)),
        }
    }
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all
}

/// Of what was counted between: on the line between the bounds of the bucket it falls into.
#[allow(clippy::cast_precision_loss)]
fn median(before: &[(f64, u64)], after: &[(f64, u64)]) -> f64 {
    let before_of = |bound: f64| {
        let found = before
            .iter()
            .find(|(known, _)| known.total_cmp(&bound).is_eq());
        found.map_or(0, |(_, count)| *count)
    };
    let between: Vec<(f64, f64)> = after
        .iter()
        .map(|(bound, count)| (*bound, (count - before_of(*bound)) as f64))
        .collect();
    let half = between.last().map_or(0.0, |(_, count)| *count) / 2.0;
    let mut last = (0.0, 0.0);
    for (bound, count) in between {
        if count >= half && half > 0.0 {
            return last.0 + (bound - last.0) * (half - last.1) / (count - last.1);
        }
        last = (bound, count);
    }
    panic!("nothing was reviewed")
}

/// A change of the VirtualService that is good, or sends to a subset that is not there.
fn write(world: &World, good: bool) {
    let api = api::namespaced(&world.bed.client, "VirtualService", &world.namespace);
    let subset = if good { "stable" } else { "v9" };
    let destination = json!({"host": "app07", "subset": subset});
    let path = json!([{"uri": {"prefix": "/more"}}]);
    let route = json!({"name": "more", "match": path, "route": [{"destination": destination}]});
    let patch = json!([{"op": "add", "path": "/spec/http/0", "value": route}]);
    let patch = Patch::Json::<()>(serde_json::from_value(patch).expect("a JSON patch"));
    let dry = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let written = world.bed.block_on(api.patch("app07", &dry, &patch));
    assert_eq!(written.is_ok(), good, "{written:?}");
}

const COUNT: usize = 400;
const THREADS: usize = 4;
