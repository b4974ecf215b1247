//! What holds for any bytes. The fuzz targets call these functions, and the suite calls them with the inputs that once
//! broke them (`tests/fuzzed/<property>/`).

use std::path::Path as FilePath;

use rollout_guard::cli;
use rollout_guard::cluster::{Cluster, Mesh};
use rollout_guard::decide::{Decision, decide};
use rollout_guard::field::{Path, Segment};
use rollout_guard::files::manifests::Manifests;
use rollout_guard::mutations::Patch;
use rollout_guard::request::{Phase, Request};
use rollout_guard::review;
use rollout_guard::settings::{self, Settings};
use rollout_guard::source::{Limits, Node, edit, parse_leniently};
use serde_json::Value;

/// A property, and its name: that of its fuzz target.
pub type Property = (&'static str, fn(&[u8]));

pub const PROPERTIES: [Property; 5] = [
    ("reviews", reviews),
    ("patches", patches),
    ("manifests", manifests),
    ("settings", settings),
    ("edits", edits),
];

/// A review, and after a line `---` the manifests of the cluster: the answer is well formed, or the review is refused.
pub fn reviews(bytes: &[u8]) {
    let (body, cluster) = review_and_cluster(bytes);
    for phase in [Phase::Validate, Phase::Mutate, Phase::MutateThenValidate] {
        let Ok(request) = review::parse(body, phase) else {
            continue;
        };
        let uid = request.uid.clone();
        let decision = decide(request, &cluster, &Settings::default());
        let answer = review::render(&decision).expect("an answer is written");
        let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
        let response = &answer["response"];
        assert_eq!(response["uid"], uid.as_str());
        assert_eq!(response["allowed"], !decision.is_denied());
    }
}

/// The same input: the patch makes of the object what was judged, and of that object nothing else.
pub fn patches(bytes: &[u8]) {
    let (body, cluster) = review_and_cluster(bytes);
    let Ok(request) = review::parse(body, Phase::Mutate) else {
        return;
    };
    let decision = mutated(request.clone(), &cluster);
    let patch = operations(&decision);
    let mut stored = request.object.clone();
    json_patch::patch(&mut stored, &patch).expect("a patch applies");
    assert_eq!(stored, decision.request.object, "what is judged is stored");
    let again = mutated(
        Request {
            object: stored,
            ..request
        },
        &cluster,
    );
    let again = operations(&again);
    assert!(again.0.is_empty(), "a second time: {again}");
}

/// Any text is judged or told, and a finding stands in the text.
pub fn manifests(bytes: &[u8]) {
    let mut manifests = Manifests::default();
    manifests.add(FilePath::new("-"), bytes.to_vec(), "default");
    let report = cli::check(&manifests, &Settings::default(), true);
    for reported in &report.findings {
        let file = reported.file.expect("each object stands in a file");
        let start = reported.span.start.byte;
        assert!(file.text.is_char_boundary(start), "{:?}", reported.finding);
    }
}

/// Any text is read or refused at a position in it.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(error) = settings::parse(text) {
        assert!(error.position.byte <= text.len(), "{error}");
    }
}

/// A value as JSON, a JSON pointer and a text, each after the line of the one before: the edit changes the value at the
/// pointer, and nothing else.
pub fn edits(bytes: &[u8]) {
    let Some((value, path, text)) = edit_of(bytes) else {
        return;
    };
    let Ok(before) = parse_leniently(text, Limits::default()) else {
        return;
    };
    for (index, document) in before.documents.iter().enumerate() {
        let Some(edit) = edit::set(text, document, &path, &value) else {
            continue;
        };
        if edit.within(&before.repeated_values).is_some() {
            continue;
        }
        let edited = edit::apply(text, &[edit]).text;
        if !edit::is_sound(text, &edited) {
            continue;
        }
        let after = parse_leniently(&edited, Limits::default()).expect("a sound edit parses");
        let values = |documents: &[Node]| documents.iter().map(Node::to_value).collect::<Vec<_>>();
        let mut expected = values(&before.documents);
        set(&mut expected[index], path.segments(), &value);
        assert_eq!(values(&after.documents), expected, "\n{text}\n->\n{edited}");
    }
}

fn review_and_cluster(bytes: &[u8]) -> (&[u8], Cluster) {
    let separator = b"\n---\n";
    let at = bytes
        .windows(separator.len())
        .position(|window| window == separator);
    let (body, stored) = match at {
        Some(at) => (&bytes[..at], &bytes[at + separator.len()..]),
        None => (bytes, &[][..]),
    };
    let mut manifests = Manifests::default();
    manifests.add(FilePath::new("cluster.yaml"), stored.to_vec(), "default");
    (body, manifests.cluster(Mesh::default()))
}

fn mutated(request: Request, cluster: &Cluster) -> Decision {
    decide(request, cluster, &Settings::default())
}

/// The patch as the API server reads it.
fn operations(decision: &Decision) -> json_patch::Patch {
    let patch = decision.mutation.as_ref().map(|mutated| &mutated.patch);
    let operations = patch.map(Patch::operations).unwrap_or_default();
    let wire = serde_json::to_vec(operations).expect("a patch is written");
    serde_json::from_slice(&wire).expect("a patch is read")
}

fn edit_of(bytes: &[u8]) -> Option<(Value, Path, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (value, rest) = text.split_once('\n')?;
    let (pointer, text) = rest.split_once('\n')?;
    let value: Value = serde_json::from_str(value).ok()?;
    let is_label = |value: &Value| value.is_string();
    let is_used = match &value {
        Value::Object(labels) => !labels.is_empty() && labels.values().all(is_label),
        value => is_label(value),
    };
    let steps = pointer.strip_prefix('/')?.split('/').map(|step| {
        let index = step.parse().map(Segment::Index);
        index.unwrap_or_else(|_| Segment::Entry(step.to_owned()))
    });
    is_used.then(|| (value, steps.collect(), text))
}

fn set(root: &mut Value, path: &[Segment], value: &Value) {
    let mut node = root;
    for segment in path {
        node = match (segment, node) {
            (Segment::Index(index), Value::Array(items)) => &mut items[*index],
            (Segment::Entry(name), Value::Object(entries)) => {
                entries.entry(name.clone()).or_insert(Value::Null)
            }
            (segment, node) => panic!("no {segment:?} in {node}"),
        };
    }
    *node = value.clone();
}
