//! The names of the fields that the CRDs of Rollouts, VirtualServices and DestinationRules have. The API server drops
//! others, which it calls pruning.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::kind::Kind;
use crate::field::{Path, Segment};
use crate::text::truncate_bytes;

/// The fields of one object that the API server drops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnknownFields {
    /// The CRD's version, as messages name it.
    pub version: &'static str,
    /// The first of them, in the order of the object.
    pub listed: Vec<UnknownField>,
    /// How many more there are.
    pub more: usize,
}

/// A field that the API server drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// What it is in.
    pub parent: Path,
    /// As it is written, at most 253 bytes.
    pub name: String,
    /// The fields that its parent could have and does not have.
    pub absent: Vec<&'static str>,
    /// The only place near it where a field of this name can be: `spec.strategy.blueGreen.autoPromotionEnabled`.
    pub elsewhere: Option<String>,
    /// The versions of the CRD that do not have it.
    pub absent_in: AbsentIn,
}

/// Minor versions of a CRD, each with its major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentIn {
    /// Every one that is known.
    All,
    /// Those before this one.
    Before((u32, u32)),
    /// This one and those after it.
    Since((u32, u32)),
}

impl AbsentIn {
    /// Whether this version lacks the field.
    pub fn contains(self, version: (u32, u32)) -> bool {
        match self {
            AbsentIn::All => true,
            AbsentIn::Before(first) => version < first,
            AbsentIn::Since(first) => version >= first,
        }
    }
}

const MAX_LISTED: usize = 50;
const MAX_NAME_BYTES: usize = 253;

/// The fields of a manifest of this kind that the API server drops; `None` if there are none, or if the kind has no CRD.
pub(super) fn unknown_fields(kind: Kind, manifest: &Value) -> Option<Box<UnknownFields>> {
    let (version, root) = SCHEMA.kinds.get(kind.as_str())?;
    let mut walk = Walk {
        trail: Vec::new(),
        objects: Vec::new(),
        found: UnknownFields {
            version,
            ..UnknownFields::default()
        },
    };
    walk.visit(manifest, *root);
    (!walk.found.listed.is_empty()).then(|| Box::new(walk.found))
}

/// Lists each kind with its type and the version of its CRD, and after an empty line the types. A type is a line with
/// its fields: `name` for any value, `name=7` for an object of type 7 or a list of them, `name:7` for a map of them. A
/// field ends with `+1.9` if older versions of the controller do not have it, and with `-1.9` if only older ones do.
/// `tests/e2e/stories/field_names.rs` writes it.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("field_names.txt")));

struct Schema {
    kinds: BTreeMap<&'static str, (&'static str, usize)>,
    types: Vec<BTreeMap<&'static str, Field>>,
}

struct Field {
    held: Held,
    /// `None`: all versions have it.
    absent_in: Option<AbsentIn>,
}

impl Field {
    /// Whether the newest version has it.
    fn is_current(&self) -> bool {
        !matches!(self.absent_in, Some(AbsentIn::Since(_)))
    }
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Held {
    Anything,
    /// An object of the type, or a list of them.
    Objects(usize),
    /// A map whose values are of the type.
    Map(usize),
}

impl Schema {
    fn parse(text: &'static str) -> Self {
        let (kinds, types) = text.split_once("\n\n").unwrap_or_default();
        let kinds = kinds.lines().filter_map(|line| {
            let (kind, rest) = line.split_once(' ')?;
            let (root, version) = rest.split_once(' ')?;
            Some((kind, (version, root.parse().ok()?)))
        });
        let types = types
            .lines()
            .map(|line| line.split_whitespace().map(Self::field));
        Self {
            kinds: kinds.collect(),
            types: types.map(Iterator::collect).collect(),
        }
    }

    fn field(word: &'static str) -> (&'static str, Field) {
        let version = |text: &str| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        };
        let (word, absent_in) = match word.split_once(['+', '-']) {
            Some((name, of)) if word.contains('+') => (name, version(of).map(AbsentIn::Before)),
            Some((name, of)) => (name, version(of).map(AbsentIn::Since)),
            None => (word, None),
        };
        let (name, held) = Self::held(word);
        (name, Field { held, absent_in })
    }

    fn held(word: &'static str) -> (&'static str, Held) {
        let number = |text: &str| text.parse().ok();
        let objects = word
            .split_once('=')
            .and_then(|(name, of)| Some((name, Held::Objects(number(of)?))));
        let map = || {
            word.split_once(':')
                .and_then(|(name, of)| Some((name, Held::Map(number(of)?))))
        };
        objects.or_else(map).unwrap_or((word, Held::Anything))
    }
}

/// For each type, the place below it of every name, `.blueGreen.autoPromotionEnabled`; `None` if there are several.
static PLACES: LazyLock<Vec<BTreeMap<&'static str, Option<String>>>> = LazyLock::new(|| {
    let mut all: Vec<BTreeMap<&'static str, Option<String>>> = Vec::new();
    // A type comes after those that it holds.
    for fields in &SCHEMA.types {
        let mut places = BTreeMap::new();
        let mut add = |name: &'static str, place: Option<String>| {
            let known = places.entry(name).and_modify(|known| *known = None);
            known.or_insert(place);
        };
        for (name, field) in fields.iter().filter(|(_, field)| field.is_current()) {
            add(name, Some(format!(".{name}")));
            let (of, key) = match field.held {
                Held::Anything => continue,
                Held::Objects(of) => (of, ""),
                Held::Map(of) => (of, "[]"),
            };
            for (inner, place) in all.get(of).into_iter().flatten() {
                let place = place.as_ref();
                add(inner, place.map(|place| format!(".{name}{key}{place}")));
            }
        }
        all.push(places);
    }
    all
});

/// Compares one manifest with the schema.
struct Walk {
    /// The way from the root to here.
    trail: Vec<Segment>,
    /// The types of the objects on the way, with the length of the trail to each.
    objects: Vec<(usize, usize)>,
    found: UnknownFields,
}

impl Walk {
    fn visit(&mut self, value: &Value, of: usize) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.step(Segment::Index(index), item, of);
                }
            }
            Value::Object(map) => {
                self.objects.push((self.trail.len(), of));
                for (name, value) in map {
                    let known = SCHEMA.types.get(of);
                    let known = known.and_then(|known| known.get_key_value(name.as_str()));
                    let Some((field, known)) = known else {
                        self.note(name, value, map, AbsentIn::All);
                        continue;
                    };
                    if let Some(absent_in) = known.absent_in {
                        self.note(name, value, map, absent_in);
                    }
                    match known.held {
                        Held::Anything => {}
                        Held::Objects(of) => self.step(Segment::Field(field), value, of),
                        Held::Map(of) => self.visit_map(field, value, of),
                    }
                }
                self.objects.pop();
            }
            _ => {}
        }
    }

    fn visit_map(&mut self, name: &'static str, value: &Value, of: usize) {
        self.trail.push(Segment::Field(name));
        for (key, value) in value.as_object().into_iter().flatten() {
            self.step(Segment::Entry(key.clone()), value, of);
        }
        self.trail.pop();
    }

    fn step(&mut self, segment: Segment, value: &Value, of: usize) {
        self.trail.push(segment);
        self.visit(value, of);
        self.trail.pop();
    }

    /// A null says nothing that could be lost, and `$patch` and its like are for tools that merge manifests.
    fn note(
        &mut self,
        name: &str,
        value: &Value,
        parent: &serde_json::Map<String, Value>,
        absent_in: AbsentIn,
    ) {
        if value.is_null() || name.starts_with('$') {
            return;
        }
        if self.found.listed.len() == MAX_LISTED {
            self.found.more += usize::from(absent_in == AbsentIn::All);
            return;
        }
        let of = self
            .objects
            .last()
            .and_then(|(_, of)| SCHEMA.types.get(*of));
        let names = of.into_iter().flatten();
        let names = names.filter(|(_, field)| field.is_current());
        let names = names.map(|(name, _)| *name);
        let unknown = UnknownField {
            parent: self.trail.iter().cloned().collect(),
            name: truncate_bytes(name, MAX_NAME_BYTES).to_owned(),
            absent: names.filter(|name| !parent.contains_key(*name)).collect(),
            elsewhere: (absent_in == AbsentIn::All)
                .then(|| self.elsewhere(name))
                .flatten(),
            absent_in,
        };
        self.found.listed.push(unknown);
    }

    /// The place of the name in the smallest object around that has one, if it has no other.
    fn elsewhere(&self, name: &str) -> Option<String> {
        let mut around = self.objects.iter().rev();
        let (length, place) = around.find_map(|(length, of)| {
            let place = PLACES.get(*of)?.get(name)?;
            Some((length, place))
        })?;
        let way: Path = self.trail.iter().take(*length).cloned().collect();
        let place = format!("{way}{}", place.as_ref()?);
        Some(place.trim_start_matches('.').to_owned())
    }
}
