//! The duration of reviews, from the histograms of rollout-guard and of the API server: reviews that use only
//! watched objects, and reviews that read their evidence again.

use hyper::http::Request;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::alone;
use crate::api;
use crate::bed::Bed;
use crate::flow::start_canaries;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[alone!(a_review_takes_milliseconds)];

fn a_review_takes_milliseconds(bed: &Bed) {
    let world = World::new(bed, "latency");
    start_canaries(&world);
    let of_none = Taken::of(bed, "of no flow, allowed", || {
        put(&world, "nobodys", "stable").expect("it is good");
    });
    assert_eq!(of_none.live_reads, 0);
    // /mutate needs the Rollout's status, which it reads again.
    let allowed = Taken::of(bed, "of a flow, allowed", || {
        put(&world, "app07", "stable").expect("it is good");
    });
    assert_eq!(allowed.live_reads, u64::from(COUNT));
    let denied = Taken::of(bed, "of a flow, denied", || {
        put(&world, "app07", "v9").expect_err("it is bad");
    });
    assert!(denied.live_reads > allowed.live_reads);
}

/// The duration of some reviews: medians measured by rollout-guard and by the API server, in seconds.
struct Taken {
    mutate: (f64, f64),
    validate: (f64, f64),
    live_reads: u64,
}

impl Taken {
    fn of(bed: &Bed, what: &str, write: impl Fn() + Sync) -> Self {
        let before = Counts::now(bed);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..COUNT / THREADS).for_each(|_| write()));
            }
        });
        let after = Counts::now(bed);
        let medians = |endpoint: usize| {
            let of = |which: usize| {
                let (before, after) = (&before.histograms, &after.histograms);
                median(&before[endpoint][which], &after[endpoint][which])
            };
            (of(0), of(1))
        };
        let taken = Self {
            mutate: medians(0),
            validate: medians(1),
            live_reads: after.live_reads - before.live_reads,
        };
        taken.print(what);
        taken
    }

    fn print(&self, what: &str) {
        let of = |(guard, api_server): (f64, f64)| {
            format!(
                "{:.2} ms (the API server waits {:.1} ms)",
                guard * 1e3,
                api_server * 1e3
            )
        };
        eprintln!(
            "e2e: {COUNT} VirtualServices {what}: {} live reads; medians: /mutate {}, /validate {}",
            self.live_reads,
            of(self.mutate),
            of(self.validate)
        );
    }
}

/// A histogram as pairs of a bucket's bound and its cumulative count.
type Histogram = Vec<(f64, u64)>;

struct Counts {
    /// Of /mutate and /validate, by rollout-guard and by the API server.
    histograms: [[Histogram; 2]; 2],
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
        let histograms = ["mutate", "validate"].map(|endpoint| {
            let webhook = format!("flows.{endpoint}.rollout-guard.io");
            [
                buckets(
                    &guard,
                    "rollout_guard_review_duration_seconds_bucket{",
                    endpoint,
                ),
                buckets(&api_server, API_SERVERS, &webhook),
            ]
        });
        Self {
            histograms,
            live_reads: reads.sum(),
        }
    }
}

fn buckets(lines: &[&str], metric: &str, label: &str) -> Histogram {
    let mut all = Histogram::new();
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

/// The median of the samples between two histograms, interpolated linearly in its bucket.
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

/// A dry run of the VirtualService with one more route to this subset, or of a VirtualService of this name with only
/// that route.
fn put(world: &World, name: &str, subset: &str) -> kube::Result<()> {
    let destination = json!({"host": "app07", "subset": subset});
    let path = json!([{"uri": {"prefix": "/more"}}]);
    let route = json!({"name": "more", "match": path, "route": [{"destination": destination}]});
    let api = api::namespaced(&world.bed.client, "VirtualService", &world.namespace);
    let dry = PatchParams {
        dry_run: true,
        ..PatchParams::apply("latency").force()
    };
    world.bed.block_on(async {
        if name == "app07" {
            let patch = json!([{"op": "add", "path": "/spec/http/0", "value": route}]);
            let patch = serde_json::from_value(patch).expect("a JSON patch");
            let dry = PatchParams {
                force: false,
                ..dry
            };
            api.patch(name, &dry, &Patch::Json::<()>(patch)).await
        } else {
            let whole = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                "metadata": {"name": name}, "spec": {"hosts": [name], "http": [route]}});
            api.patch(name, &dry, &Patch::Apply(whole)).await
        }
    })?;
    Ok(())
}

const COUNT: u32 = 400;
const THREADS: u32 = 4;
const API_SERVERS: &str = "apiserver_admission_webhook_admission_duration_seconds_bucket{";
