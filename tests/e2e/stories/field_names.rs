//! The names of fields that RG114 compares manifests with are those of the CRDs, and the API server drops the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rollout_guard::model::{Kind, Object};
use rollout_guard::source::{Limits, Node, parse};
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_field_names_are_those_of_the_crds),
    shared!(the_api_server_drops_what_the_guard_names),
];

const FILE: &str = "src/model/field_names.txt";
const KINDS: [(&str, &str); 3] = [
    ("Rollout", "argoproj.io"),
    ("VirtualService", "networking.istio.io"),
    ("DestinationRule", "networking.istio.io"),
];

/// The fields of an object that are not compared.
const OPEN: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// `UPDATE=1` writes the file.
fn the_field_names_are_those_of_the_crds(bed: &Bed) {
    let mut crds = BTreeMap::new();
    for file in bed.layout.crds() {
        let version = version(&file.to_string_lossy());
        for crd in documents(&file) {
            let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str);
            let kind = text("/spec/names/kind").unwrap_or_default();
            let group = text("/spec/group").unwrap_or_default();
            if KINDS.contains(&(kind, group)) {
                crds.insert(kind.to_owned(), (version.clone(), crd));
            }
        }
    }
    let (newest, rollout) = &crds["Rollout"];
    let rollout = with_older(bed, newest, rollout);
    crds.insert("Rollout".to_owned(), (newest.clone(), rollout));
    let mut types = Types::default();
    let mut kinds = String::new();
    // Numbered in this order.
    for kind in ["Rollout", "DestinationRule", "VirtualService"] {
        types.root(&crds[kind].1);
    }
    for (kind, _) in KINDS {
        let (version, crd) = &crds[kind];
        kinds += &format!("{kind} {} {version}\n", types.root(crd));
    }
    let text = format!("{kinds}\n{}", types.lines.join("\n") + "\n");
    let path = bed.layout.root.join(FILE);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, text).expect("the file can be written");
        return;
    }
    let stored = std::fs::read_to_string(path).expect("the file");
    assert!(
        stored == text,
        "{FILE} is not of these CRDs: run this with UPDATE=1"
    );
}

fn documents(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("a CRD");
    let nodes = parse(&text, Limits::default()).expect("YAML");
    nodes.iter().map(Node::to_value).collect()
}

/// The CRD of Rollouts with the fields of older versions. A field that not all versions have says which, in `x-versions`.
fn with_older(bed: &Bed, newest: &str, crd: &Value) -> Value {
    let at = "/spec/versions/0/schema/openAPIV3Schema";
    let older = bed.layout.older_crds();
    let older: Vec<(String, Value)> = older
        .iter()
        .map(|file| {
            (
                minor(&version(&file.to_string_lossy())),
                documents(file).remove(0),
            )
        })
        .chain([(minor(newest), crd.clone())])
        .collect();
    let schemas: Vec<(&str, &Value)> = older
        .iter()
        .map(|(version, crd)| (version.as_str(), crd.pointer(at).expect("a schema")))
        .collect();
    let mut all = crd.clone();
    *all.pointer_mut(at).expect("a schema") = merged(&schemas);
    all
}

/// `1.10` of `Argo Rollouts 1.10.1`.
fn minor(version: &str) -> String {
    let number = version.rsplit(' ').next().unwrap_or_default();
    number.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// One schema of those of several versions, oldest first.
fn merged(schemas: &[(&str, &Value)]) -> Value {
    let mut all = schemas.last().expect("a version").1.clone();
    for below in ["items", "additionalProperties"] {
        let held = schemas
            .iter()
            .map(|(version, schema)| (*version, &schema[below]));
        let held: Vec<_> = held.filter(|(_, schema)| schema.is_object()).collect();
        if all[below].is_object() {
            all[below] = merged(&held);
        }
    }
    let names = schemas
        .iter()
        .filter_map(|(_, schema)| schema["properties"].as_object());
    let names: BTreeSet<&String> = names.flat_map(|properties| properties.keys()).collect();
    for name in names {
        let held = schemas
            .iter()
            .map(|(version, schema)| (*version, &schema["properties"][name]));
        let held: Vec<_> = held.filter(|(_, schema)| schema.is_object()).collect();
        let mut property = merged(&held);
        let lacks =
            |(version, _): &&(&str, &Value)| !held.iter().any(|(having, _)| having == version);
        let after = |at: usize| schemas.get(at + 1).map(|(version, _)| *version);
        let newest_with = schemas.iter().rposition(|entry| !lacks(&entry));
        let newest_without = schemas.iter().rposition(|entry| lacks(&entry));
        if let Some(until) = newest_with.and_then(after) {
            property["x-versions"] = json!(format!("-{until}"));
        } else if let Some(since) = newest_without.and_then(after) {
            property["x-versions"] = json!(format!("+{since}"));
        }
        all["properties"][name] = property;
    }
    all
}

/// `Argo Rollouts 1.10.1` or `Istio 1.31.1`, from the path of the module.
fn version(path: &str) -> String {
    let (module, rest) = path.split_once("@v").expect("a module's path");
    let version = rest.split('/').next().unwrap_or_default();
    let name = if module.ends_with("argo-rollouts") {
        "Argo Rollouts"
    } else {
        "Istio"
    };
    format!("{name} {version}")
}

/// The types of objects, each once, as the lines of the file.
#[derive(Default)]
struct Types {
    lines: Vec<String>,
    ids: BTreeMap<String, usize>,
}

impl Types {
    /// The type of the objects of a CRD. All its versions have the same fields.
    fn root(&mut self, crd: &Value) -> usize {
        let schemas: Vec<&Value> = crd["spec"]["versions"]
            .as_array()
            .expect("versions")
            .iter()
            .map(|version| &version["schema"]["openAPIV3Schema"])
            .collect();
        assert!(schemas.iter().all(|schema| *schema == schemas[0]));
        let mut properties = schemas[0]["properties"].clone();
        // Every object has these, whether the schema says so or not.
        for name in OPEN {
            properties[name] = json!({});
        }
        self.object(&properties)
    }

    fn object(&mut self, properties: &Value) -> usize {
        let properties = properties.as_object().into_iter().flatten();
        let sorted: BTreeMap<&String, &Value> = properties.collect();
        let words = sorted.into_iter().map(|(name, schema)| {
            let versions = schema["x-versions"].as_str().unwrap_or_default();
            format!("{name}{}{versions}", self.held(schema))
        });
        let line = words.collect::<Vec<_>>().join(" ");
        let next = self.lines.len();
        let id = *self.ids.entry(line.clone()).or_insert(next);
        if id == next {
            self.lines.push(line);
        }
        id
    }

    /// What follows the name of a field.
    fn held(&mut self, schema: &Value) -> String {
        if schema["type"] == "array" {
            return self.held(&schema["items"]);
        }
        let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true;
        let values = &schema["additionalProperties"];
        match values {
            _ if preserves => String::new(),
            Value::Object(_) => self.held(values).replace('=', ":"),
            _ if schema["type"] != "object" || *values == true => String::new(),
            _ => format!("={}", self.object(&schema["properties"])),
        }
    }
}

/// What RG114 names in its fixtures is what the API server does not store, and nothing else.
fn the_api_server_drops_what_the_guard_names(bed: &Bed) {
    let world = World::without_guard(bed, "field-names");
    let folder = bed.layout.root.join("tests/rules/unknown-field");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a fixture");
        for node in parse(&text, Limits::default()).expect("YAML") {
            let mut sent = node.to_value();
            let Some(object) = Object::parse(&sent, "") else {
                continue;
            };
            let kind = object.key().kind;
            // The API server ignores the status on CREATE, and metadata have no schema.
            sent["metadata"] = json!({"name": "app"});
            sent.as_object_mut().expect("an object").remove("status");
            let named = named(&Object::of_manifest(kind, &sent, ""));
            let stored = world
                .kubectl("create --dry-run=server --validate=false -o json -f -")
                .input(&sent)
                .run();
            // A fixture may lack what the CRD requires.
            if kind != Kind::Service && stored.code == 0 {
                let stored = serde_json::from_str(&stored.stdout).expect("JSON");
                let mut dropped = BTreeSet::new();
                add_dropped(&sent, &stored, "", &mut dropped);
                assert_eq!(named, dropped, "{}", path.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "only {compared} objects were compared");
}

fn named(object: &Object) -> BTreeSet<String> {
    let unknown = object.unknown_fields.iter();
    let fields = unknown.flat_map(|unknown| &unknown.listed);
    let fields = fields.filter(|field| field.absent_in.contains((1, 10)));
    let paths = fields.map(|field| field.parent.entry(&field.name).pointer());
    paths.filter(|path| !path.contains('$')).collect()
}

fn add_dropped(sent: &Value, stored: &Value, at: &str, dropped: &mut BTreeSet<String>) {
    let entries = sent.as_object().into_iter().flatten();
    for (name, value) in entries.filter(|(name, value)| !value.is_null() && !name.contains('$')) {
        let at = format!("{at}/{name}");
        match stored.get(name) {
            Some(stored) => add_dropped(value, stored, &at, dropped),
            None => {
                dropped.insert(at);
            }
        }
    }
    for (index, value) in sent.as_array().into_iter().flatten().enumerate() {
        add_dropped(value, &stored[index], &format!("{at}/{index}"), dropped);
    }
}
