//! What manifests leave open: values with a placeholder, and objects that two files define differently. A finding
//! that depends on the first is not reported; one that depends on the second is a warning.

use std::collections::{HashMap, HashSet};

use crate::field::{Path, Segment};
use crate::files::manifests::{Document, Duplicate, Manifests};
use crate::model::{Host, Key, Kind};
use crate::source::{Content, Node, placeholder};
use crate::verdict::{Finding, Severity};

pub struct Unknown<'a> {
    documents: &'a HashMap<&'a Key, &'a Document>,
    /// The objects with a placeholder.
    placeholders: HashMap<&'a Key, Placeholders>,
    /// Placeholders that are the namespace of an object: wherever they stand, they are the same namespace.
    namespaces: HashSet<&'a str>,
    /// The objects that two files define differently.
    disputed: HashSet<&'a Key>,
}

/// Where an object has placeholders.
struct Placeholders {
    /// In what names an object, host, route, subset or label, so that what refers to it, or it to, is not known.
    in_names: bool,
    /// In its own name or namespace.
    in_key: bool,
}

impl<'a> Unknown<'a> {
    pub fn new(
        documents: &'a HashMap<&'a Key, &'a Document>,
        duplicates: &[Duplicate<'a>],
    ) -> Self {
        let namespaces = documents.keys().map(|key| &*key.namespace);
        let namespaces: HashSet<&str> = namespaces
            .filter(|namespace| has_placeholder(namespace))
            .collect();
        let is_open = |text: &str| is_open(text, &namespaces);
        let with_placeholder = documents.iter().filter_map(|(key, document)| {
            let tree = document.tree.as_ref()?;
            tree.find_text(&is_container, &has_placeholder)?;
            let spec = tree.get("spec");
            let placeholders = Placeholders {
                in_names: spec.is_some_and(|spec| is_open_in_names(spec, &is_open)),
                in_key: has_placeholder(&key.name) || has_placeholder(&key.namespace),
            };
            Some((*key, placeholders))
        });
        let placeholders = with_placeholder.collect();
        let disputed = duplicates.iter().filter(|duplicate| duplicate.differs());
        Self {
            documents,
            placeholders,
            namespaces,
            disputed: disputed
                .map(|duplicate| duplicate.later.object.key())
                .collect(),
        }
    }

    /// The finding as it is reported.
    pub fn weigh(&self, mut finding: Finding) -> Option<Finding> {
        if !self.placeholders.is_empty() && self.is_open(&finding) {
            return None;
        }
        let disputed = places(&finding).any(|(key, _)| self.disputed.contains(key));
        if disputed {
            finding.severity = Severity::Warning;
        }
        Some(finding)
    }

    /// Whether a placeholder decides if the finding is right.
    fn is_open(&self, finding: &Finding) -> bool {
        // Of one object alone the value itself is judged, in which no placeholder is known.
        let several = !finding.is_inside(&finding.object);
        let is_open = |text: &str| {
            if several {
                is_open(text, &self.namespaces)
            } else {
                has_placeholder(text)
            }
        };
        let by_value = places(finding).any(|(key, path)| self.is_open_at(key, path, &is_open));
        let by_name = several
            && places(finding).any(|(key, _)| {
                let placeholders = self.placeholders.get(key);
                placeholders.is_some_and(|placeholders| placeholders.in_names)
            });
        let in_subject = is_open(&finding.subject);
        by_value || by_name || in_subject || finding.missing && self.could_exist(finding)
    }

    fn is_open_at(&self, key: &Key, path: &Path, is_open: &impl Fn(&str) -> bool) -> bool {
        if path.segments().is_empty() || !self.placeholders.contains_key(key) {
            return false;
        }
        let document = self.documents.get(key);
        let node = document.and_then(|document| find(document.tree.as_ref()?, path));
        node.is_some_and(|node| node.find_text(&is_container, is_open).is_some())
    }

    /// Whether an object with a placeholder may be what is missing.
    fn could_exist(&self, finding: &Finding) -> bool {
        let mut open = self.placeholders.iter();
        open.any(|(known, placeholders)| {
            let is_named = placeholders.in_key
                && places(finding).any(|(key, _)| {
                    let is_missing = !self.documents.contains_key(key);
                    is_missing && key.kind == known.kind && could_be(known, key)
                });
            let host = finding.missing_host.as_ref();
            is_named || host.is_some_and(|host| self.could_serve(known, host))
        })
    }

    /// Whether the Service, ServiceEntry or DestinationRule may be for the host.
    fn could_serve(&self, known: &Key, host: &Host) -> bool {
        let spec = self
            .documents
            .get(known)
            .and_then(|document| document.tree.as_ref()?.get("spec"));
        let is_open = |field| {
            let value = spec.and_then(|spec| spec.get(field));
            value.is_some_and(|value| value.find_text(&|_| false, &has_placeholder).is_some())
        };
        let mut labels = host.as_str().split('.');
        match (known.kind, labels.next(), labels.next()) {
            (Kind::Service, Some(name), Some(namespace)) => {
                could_be(known, &Key::new(Kind::Service, namespace, name))
            }
            (Kind::ServiceEntry, ..) => is_open("hosts"),
            (Kind::DestinationRule, ..) => is_open("host"),
            _ => false,
        }
    }
}

/// One note for each file with a placeholder.
pub fn placeholder_notes(manifests: &Manifests) -> Vec<String> {
    let mut seen = HashSet::new();
    let documents = manifests.documents.iter();
    let notes = documents.filter_map(|document| {
        let tree = document.tree.as_ref()?;
        let (text, span) = tree.find_text(&is_container, &has_placeholder)?;
        let text = placeholder(text)?;
        let file = manifests
            .file(document)
            .filter(|_| seen.insert(document.file))?;
        let (name, line) = (&file.name, span.start.line);
        Some(format!(
            "{name}:{line}: `{text}` is a placeholder: what depends on it is not judged"
        ))
    });
    notes.collect()
}

/// The object of the finding and the others that it depends on, with a field of each.
fn places(finding: &Finding) -> impl Iterator<Item = (&Key, &Path)> {
    let others = finding.others.iter().map(|(key, path)| (key, path));
    others.chain([(&finding.object, &finding.path)])
}

/// The value at the path, or the scalar before it where the path goes on into one: a placeholder may stand for a whole
/// mapping.
fn find<'a>(root: &'a Node, path: &Path) -> Option<&'a Node> {
    let mut node = root;
    for segment in path.segments() {
        let next = match segment {
            Segment::Field(name) => node.get(name),
            Segment::Entry(name) | Segment::Unknown(name) => node.get(name),
            Segment::Index(index) => node.at(*index),
        };
        match (next, &node.content) {
            (Some(next), _) => node = next,
            (None, Content::Mapping(_) | Content::Sequence(_)) => return None,
            (None, _) => return Some(node),
        }
    }
    Some(node)
}

fn could_be(known: &Key, missing: &Key) -> bool {
    let equal = |known: &str, missing: &str| known == missing || placeholder(known).is_some();
    equal(&known.name, &missing.name) && equal(&known.namespace, &missing.namespace)
}

fn has_placeholder(text: &str) -> bool {
    placeholder(text).is_some()
}

/// Whether the text has a placeholder other than one that is a namespace of the input.
fn is_open(text: &str, namespaces: &HashSet<&str>) -> bool {
    if !has_placeholder(text) {
        return false;
    }
    let mut rest = text.to_owned();
    for namespace in namespaces {
        rest = rest.replace(namespace, "");
    }
    has_placeholder(&rest)
}

/// Whether something that other objects refer to, or that refers to them, is open.
fn is_open_in_names(node: &Node, is_open: &impl Fn(&str) -> bool) -> bool {
    match &node.content {
        Content::Sequence(items) => items.iter().any(|item| is_open_in_names(item, is_open)),
        Content::Mapping(entries) => entries.iter().any(|(key, value)| {
            !is_container(&key.text)
                && if is_name(&key.text) {
                    value.find_text(&is_container, is_open).is_some()
                } else {
                    is_open_in_names(value, is_open)
                }
        }),
        _ => false,
    }
}

/// Whether the field names something that references resolve by.
fn is_name(field: &str) -> bool {
    const NAMES: [&str; 14] = [
        "name",
        "namespace",
        "host",
        "hosts",
        "subset",
        "subsets",
        "gateways",
        "exportTo",
        "routes",
        "labels",
        "selector",
        "additionalSubsetNames",
        "addresses",
        "template",
    ];
    NAMES.contains(&field) || field.ends_with("Service") || field.ends_with("SubsetName")
}

/// What a container gets is not read, and `$(NAME)` is its own syntax for environment variables.
fn is_container(field: &str) -> bool {
    matches!(
        field,
        "containers" | "initContainers" | "ephemeralContainers" | "volumes"
    )
}
