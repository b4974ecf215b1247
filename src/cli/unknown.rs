//! What manifests leave open: values with a placeholder, and objects that two files define differently. A finding
//! that depends on the first is not reported; one that depends on the second is a warning.

use std::collections::{HashMap, HashSet};

use crate::field::{Path, Segment};
use crate::files::manifests::{Document, Duplicate, Manifests};
use crate::model::{Key, Kind};
use crate::source::{Content, Node, placeholder};
use crate::verdict::{Finding, Severity};

pub struct Unknown<'a> {
    documents: &'a HashMap<&'a Key, &'a Document>,
    /// The objects with a placeholder.
    placeholders: HashMap<&'a Key, Placeholders>,
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
        let with_placeholder = documents.iter().filter_map(|(key, document)| {
            document.node.placeholder(&is_container)?;
            let placeholders = Placeholders {
                in_names: document.node.get("spec").is_some_and(names_placeholder),
                in_key: [&key.name, &key.namespace]
                    .iter()
                    .any(|text| placeholder(text).is_some()),
            };
            Some((*key, placeholders))
        });
        let disputed = duplicates.iter().filter(|duplicate| duplicate.differs());
        Self {
            documents,
            placeholders: with_placeholder.collect(),
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
        let several = !finding.is_inside(&finding.object);
        let by_value = places(finding).any(|(key, path)| self.is_placeholder(key, path));
        let by_name = several
            && places(finding).any(|(key, _)| {
                let placeholders = self.placeholders.get(key);
                placeholders.is_some_and(|placeholders| placeholders.in_names)
            });
        let in_subject = placeholder(&finding.subject).is_some();
        by_value || by_name || in_subject || finding.missing && self.could_exist(finding)
    }

    fn is_placeholder(&self, key: &Key, path: &Path) -> bool {
        if path.segments().is_empty() || !self.placeholders.contains_key(key) {
            return false;
        }
        let document = self.documents.get(key);
        let node = document.and_then(|document| find(&document.node, path));
        node.is_some_and(|node| node.placeholder(&is_container).is_some())
    }

    /// Whether an object whose name is a placeholder may be the one that is missing.
    fn could_exist(&self, finding: &Finding) -> bool {
        let provides_hosts = [Kind::Service, Kind::ServiceEntry, Kind::DestinationRule];
        let mut open = self.placeholders.iter();
        open.any(|(known, placeholders)| {
            let is_named = placeholders.in_key
                && places(finding).any(|(key, _)| {
                    let is_missing = !self.documents.contains_key(key);
                    is_missing && key.kind == known.kind && could_be(known, key)
                });
            let is_host = finding.missing_host.is_some() && provides_hosts.contains(&known.kind);
            is_named || is_host && (placeholders.in_key || placeholders.in_names)
        })
    }
}

/// One note for each file with a placeholder.
pub fn placeholder_notes(manifests: &Manifests) -> Vec<String> {
    let mut seen = HashSet::new();
    let documents = manifests.documents.iter();
    let notes = documents.filter_map(|document| {
        let (text, span) = document.node.placeholder(&is_container)?;
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
            Segment::Entry(name) => node.get(name),
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

/// Whether something that other objects refer to, or that refers to them, has a placeholder.
fn names_placeholder(node: &Node) -> bool {
    match &node.content {
        Content::Sequence(items) => items.iter().any(names_placeholder),
        Content::Mapping(entries) => entries.iter().any(|(key, value)| {
            !is_container(&key.text)
                && if is_name(&key.text) {
                    value.placeholder(&is_container).is_some()
                } else {
                    names_placeholder(value)
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
