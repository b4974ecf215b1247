//! What the worst reviews cost. Every list, map, name and nesting that the model reads is blown up in turn, and every
//! two of them together, in the written object, in the stored one and in another object of the cluster. The places are
//! those that the model's readers ask for. It fails if a cost grows faster than `n log n`, or is too far from that of
//! an ordinary review of the same size.
//!
//! `cargo bench --bench bounds -- [--short] [KIND]`

// A benchmark ends where its set-up fails, and it reads the clock.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::decide;
use rollout_guard::model::{Kind, Object, Shape};
use rollout_guard::request::Phase;
use rollout_guard::review::{parse, render};
use rollout_guard::settings::Settings;
use serde_json::{Value, json};

/// Bytes of the smallest blown-up value; the others are twice and four times as large.
const BYTES: usize = 16 << 10;
const SHORT_BYTES: usize = 4 << 10;
/// Four times the size may cost four times as much, some for the logarithm, and some for the caches.
const MAX_GROWTH: f64 = 7.0;
/// Below this ratio a growth is noise: a square shows in the ratio too.
const MIN_GROWN_RATIO: f64 = 4.0;
/// To an ordinary review of as many bytes, whose entries are forty times as long as the shortest, `{},`.
const MAX_RATIO: f64 = 25.0;
/// Below, neither growth nor ratio says anything.
const MIN_TIME: Duration = Duration::from_millis(2);
const RUNS: usize = 3;

const GUARDED: [Kind; 4] = [
    Kind::Rollout,
    Kind::VirtualService,
    Kind::DestinationRule,
    Kind::Service,
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let short = words.iter().any(|word| word == "--short");
    let only = |kind: Kind| {
        let mut kinds = words
            .iter()
            .filter(|word| !word.starts_with("--"))
            .peekable();
        kinds.peek().is_none() || kinds.any(|word| word == kind.as_str())
    };
    let bench = Bench::new(if short { SHORT_BYTES } else { BYTES });
    let mut failures = 0;
    for kind in GUARDED.into_iter().filter(|kind| only(*kind)) {
        failures += bench.kind(kind, short);
    }
    println!("{failures} of the reviews cost too much");
    ExitCode::from(u8::from(failures > 0))
}

/// A place in an object, `*` for every entry of a list.
type Place = Vec<&'static str>;

/// What a place is filled with.
type Fill = (&'static str, fn(&Value, usize) -> Value);

struct Bench {
    bytes: usize,
    samples: BTreeMap<Kind, Value>,
    /// Of an ordinary review, by bytes.
    ordinary: Duration,
    settings: Settings,
}

impl Bench {
    fn new(bytes: usize) -> Self {
        let samples = Kind::ALL.into_iter().map(|kind| (kind, sample(kind)));
        let mut bench = Self {
            bytes,
            samples: samples.collect(),
            ordinary: Duration::ZERO,
            settings: Settings::default(),
        };
        let kind = Kind::VirtualService;
        let route = |index: usize| {
            json!({"name": format!("r{index}"), "match": [{"uri": {"prefix": format!("/{index}")}}],
                "route": [{"destination": {"host": "a", "subset": "a"}, "weight": 100}]})
        };
        let count = 4 * bytes / 120;
        let mut ordinary = bench.samples[&kind].clone();
        ordinary["spec"]["http"] = (0..count).map(route).collect();
        let cluster = bench.cluster(None);
        let time = bench.time(
            kind,
            &ordinary,
            &ordinary,
            Phase::MutateThenValidate,
            &cluster,
        );
        println!("an ordinary review of {} bytes costs {time:?}", 4 * bytes);
        bench.ordinary = time;
        bench
    }

    /// Returns how many reviews cost too much.
    fn kind(&self, kind: Kind, short: bool) -> usize {
        let mut places = Vec::new();
        find_places(&Object::shape(kind), &mut Vec::new(), &mut places);
        let mut failures = 0;
        for (place, fills) in &places {
            for fill in fills {
                failures += self.blow_up(kind, &[(place, *fill)]);
            }
        }
        if short {
            return failures;
        }
        let lists: Vec<&(Place, Vec<Fill>)> = places
            .iter()
            .filter(|(_, fills)| fills.iter().any(|(name, _)| *name == "others"))
            .collect();
        for (at, one) in lists.iter().enumerate() {
            for other in lists.iter().skip(at + 1) {
                let others: Fill = ("others", others);
                failures += self.blow_up(kind, &[(&one.0, others), (&other.0, others)]);
            }
        }
        failures
    }

    fn blow_up(&self, kind: Kind, places: &[(&Place, Fill)]) -> usize {
        let sample = &self.samples[&kind];
        let values = [1, 2, 4].map(|times| {
            let mut value = sample.clone();
            for (place, (_, fill)) in places {
                let target = reach(&mut value, place);
                let bytes = times * self.bytes / places.len();
                *target = fill(&target.clone(), bytes);
            }
            value
        });
        let name = |role: &str| {
            let places = places
                .iter()
                .map(|(place, (fill, _))| format!("{} {fill}", place.join(".")));
            format!("{kind} {} {role}", places.collect::<Vec<_>>().join(", "))
        };
        let cluster = self.cluster(None);
        let mut failures = 0;
        for phase in [Phase::Mutate, Phase::Validate] {
            let written = |value: &Value| self.time(kind, value, sample, phase, &cluster);
            failures += self.check(
                &name(&format!("written, {}", phase.as_str())),
                &values,
                written,
            );
            let both = |value: &Value| {
                let mut old = value.clone();
                old["metadata"]["annotations"] = json!({"a": "b"});
                self.time(kind, value, &old, phase, &cluster)
            };
            failures += self.check(&name(&format!("stored, {}", phase.as_str())), &values, both);
        }
        for other in GUARDED.into_iter().filter(|other| *other != kind) {
            let mut written = self.samples[&other].clone();
            written["metadata"]["annotations"] = json!({"a": "b"});
            let referred = |value: &Value| {
                let cluster = self.cluster(Some((kind, value)));
                let old = &self.samples[&other];
                self.time(other, &written, old, Phase::MutateThenValidate, &cluster)
            };
            failures += self.check(&name(&format!("beside a {other}")), &values, referred);
        }
        failures
    }

    /// Whether the costs of the three sizes are too much.
    fn check(&self, name: &str, values: &[Value; 3], time: impl Fn(&Value) -> Duration) -> usize {
        let large = time(&values[2]);
        if large < MIN_TIME {
            return 0;
        }
        let small = time(&values[0]);
        let growth = large.as_secs_f64() / small.as_secs_f64();
        let ratio = large.as_secs_f64() / self.ordinary.as_secs_f64();
        let grows = growth > MAX_GROWTH && ratio > MIN_GROWN_RATIO;
        if !grows && ratio <= MAX_RATIO {
            return 0;
        }
        println!(
            "{name}: {large:?}, {growth:.1} times for 4 times the size, {ratio:.1} times an ordinary review"
        );
        1
    }

    fn cluster(&self, instead: Option<(Kind, &Value)>) -> Cluster {
        let mut cluster = Cluster::new(Mesh::default());
        for (kind, value) in &self.samples {
            let value = instead
                .filter(|(other, _)| other == kind)
                .map_or(value, |(_, value)| value);
            cluster.apply(Object::parse_as(*kind, value, "a"));
        }
        cluster
    }

    /// The shortest of several runs.
    fn time(
        &self,
        kind: Kind,
        new: &Value,
        old: &Value,
        phase: Phase,
        cluster: &Cluster,
    ) -> Duration {
        let body = body(kind, new, old);
        let runs = (0..RUNS).map(|_| {
            let start = Instant::now();
            let request = parse(&body, phase).expect("an AdmissionReview");
            render(&decide(request, cluster, &self.settings)).expect("an answer");
            start.elapsed()
        });
        runs.min().unwrap_or_default()
    }
}

fn body(kind: Kind, new: &Value, old: &Value) -> Vec<u8> {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "bench",
            "kind": {"group": kind.group(), "kind": kind.as_str()},
            "operation": "UPDATE",
            "namespace": "a",
            "name": "a",
            "userInfo": {"username": "developer"},
            "object": new,
            "oldObject": old,
        },
    });
    serde_json::to_vec(&review).expect("JSON")
}

/// An object with every field that the model reads. All names in it are `a`, so that objects refer to each other.
fn sample(kind: Kind) -> Value {
    let shape = Object::shape(kind);
    let mut sample = filled(&shape);
    // What is no text is a number or a boolean: where the model says so.
    for scalar in [json!(1), json!(true)] {
        for fault in Object::parse_as(kind, &sample, "a").malformed {
            if let Some(place) = sample.pointer_mut(&fault.path.pointer()) {
                *place = scalar.clone();
            }
        }
    }
    if let Some(metadata) = sample["metadata"].as_object_mut() {
        metadata.remove("deletionTimestamp");
    }
    sample
}

fn filled(shape: &Shape) -> Value {
    if let Some(items) = &shape.items {
        return json!([filled(items)]);
    }
    if shape.is_map && shape.fields.is_empty() {
        return json!({"a": "a"});
    }
    if shape.fields.is_empty() && !shape.is_compared {
        return json!("a");
    }
    let fields = shape.fields.iter();
    Value::Object(
        fields
            .map(|(name, shape)| ((*name).to_owned(), filled(shape)))
            .collect(),
    )
}

fn reach<'v>(value: &'v mut Value, place: &[&'static str]) -> &'v mut Value {
    place.iter().fold(value, |value, step| match *step {
        "*" => &mut value[0],
        name => &mut value[name],
    })
}

fn find_places(shape: &Shape, at: &mut Place, places: &mut Vec<(Place, Vec<Fill>)>) {
    let mut fills: Vec<Fill> = Vec::new();
    if let Some(items) = &shape.items {
        fills.extend(LISTS);
        at.push("*");
        find_places(items, at, places);
        at.pop();
    }
    if shape.is_map {
        fills.extend(MAPS);
    }
    for (name, shape) in &shape.fields {
        at.push(name);
        find_places(shape, at, places);
        at.pop();
    }
    if !shape.fields.is_empty() {
        fills.extend(OBJECTS);
    } else if fills.is_empty() {
        fills.extend(SCALARS);
    }
    places.push((at.clone(), fills));
}

const LISTS: [Fill; 7] = [
    ("equal entries", |list, bytes| repeated(&list[0], bytes)),
    ("others", others),
    ("empty objects", |_, bytes| repeated(&json!({}), bytes)),
    ("objects of one field", |_, bytes| {
        repeated(&json!({"": 0}), bytes)
    }),
    ("numbers", |_, bytes| repeated(&json!(7), bytes)),
    ("nulls", |_, bytes| repeated(&Value::Null, bytes)),
    ("nested lists", |_, bytes| repeated(&json!([[]]), bytes)),
];

const MAPS: [Fill; 3] = [
    ("many texts", |_, bytes| map(bytes, &json!("a"))),
    ("many numbers", |_, bytes| map(bytes, &json!(7))),
    ("a long key", |_, bytes| json!({"a".repeat(bytes): "a"})),
];

const OBJECTS: [Fill; 3] = [
    ("many fields", |object, bytes| {
        let Value::Object(more) = map(bytes, &json!({"": 0})) else {
            return Value::Null;
        };
        let mut object = object.clone();
        if let Value::Object(fields) = &mut object {
            fields.extend(more);
        }
        object
    }),
    ("a list of small objects", |object, bytes| {
        let mut object = object.clone();
        object["x"] = repeated(&json!({"": 0}), bytes);
        object
    }),
    ("a deep field", |object, bytes| {
        let mut object = object.clone();
        object["x"] = (0..bytes.min(100)).fold(Value::Null, |inner, _| json!({"a": inner}));
        object
    }),
];

const SCALARS: [Fill; 3] = [
    ("long", |_, bytes| json!("a".repeat(bytes))),
    ("dotted", |_, bytes| json!("a.".repeat(bytes / 2))),
    ("words", |_, bytes| json!("a,".repeat(bytes / 2))),
];

fn repeated(entry: &Value, bytes: usize) -> Value {
    let count = bytes / (entry.to_string().len() + 1);
    vec![entry.clone(); count.max(1)].into()
}

/// Entries like the one of the list, each with other texts and numbers.
fn others(list: &Value, bytes: usize) -> Value {
    let entry = &list[0];
    let count = bytes / (entry.to_string().len() + 5);
    (0..count.max(1)).map(|index| other(entry, index)).collect()
}

fn other(value: &Value, index: usize) -> Value {
    match value {
        Value::String(text) => json!(format!("{text}{index}")),
        Value::Number(_) => json!(index % 30_000),
        Value::Array(items) => items.iter().map(|item| other(item, index)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (name.clone(), other(value, index)));
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

fn map(bytes: usize, value: &Value) -> Value {
    let count = bytes / (value.to_string().len() + 10);
    let entries = (0..count).map(|index| (format!("key-{index}"), value.clone()));
    Value::Object(entries.collect())
}
