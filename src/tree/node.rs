//! A node of a tree, and what is said of it.

use crate::field::Path;
use crate::model::Key;
use crate::verdict::{Finding, Severity};

/// Something that a tree shows: an object, a route, a destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// What it is, in a few words: `VirtualService shop/app`, `route primary`.
    pub title: String,
    /// The field that it shows; `None` for what is in no field.
    pub place: Option<Place>,
    /// How it is drawn.
    pub mark: Mark,
    /// What is known of it, in the order in which it is read.
    pub facts: Vec<Fact>,
    /// The findings on its field.
    pub findings: Vec<Finding>,
    /// What it leads to.
    pub children: Vec<Node>,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The object.
    pub key: Key,
    /// The field; empty: the whole object.
    pub path: Path,
}

/// How a node is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Without a colour.
    #[default]
    Plain,
    /// Of the revision that is released.
    Canary,
    /// Of the revision that serves.
    Stable,
    /// Is named, and does not exist.
    Missing,
}

/// A fact, `step 2 of 6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The name of a JSON field, which also reads well before the text.
    pub name: &'static str,
    /// What is known.
    pub text: String,
}

impl Node {
    /// A node for a whole object.
    pub fn of_object(key: &Key) -> Self {
        Self {
            title: key.to_string(),
            place: Some(Place {
                key: key.clone(),
                path: Path::default(),
            }),
            ..Self::default()
        }
    }

    /// A node for an object that something names and that does not exist.
    pub fn missing(key: &Key) -> Self {
        let mut node = Self::of_object(key);
        node.mark = Mark::Missing;
        node.fact("state", "does not exist");
        node
    }

    /// A node for a field of an object.
    pub fn of_field(title: String, key: &Key, path: Path) -> Self {
        Self {
            title,
            place: Some(Place {
                key: key.clone(),
                path,
            }),
            ..Self::default()
        }
    }

    /// Adds a fact; an empty text is none.
    pub fn fact(&mut self, name: &'static str, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.facts.push(Fact { name, text });
        }
    }

    /// The object that it stands for as a whole.
    pub fn object(&self) -> Option<&Key> {
        let place = self.place.as_ref()?;
        place.path.segments().is_empty().then_some(&place.key)
    }

    /// The worst severity of its own findings.
    pub fn severity(&self) -> Option<Severity> {
        let severities = self.findings.iter().map(|finding| finding.severity);
        severities.min()
    }

    /// All objects that it and its descendants show.
    pub fn keys(&self) -> Vec<&Key> {
        let mut keys: Vec<&Key> = self.place.iter().map(|place| &place.key).collect();
        keys.extend(self.children.iter().flat_map(Node::keys));
        keys
    }

    /// Its findings and those of its descendants.
    pub fn all_findings(&self) -> Vec<&Finding> {
        let below = self.children.iter().flat_map(Node::all_findings);
        self.findings.iter().chain(below).collect()
    }
}

impl Mark {
    /// The name in classes and JSON; `None` for a plain one.
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Mark::Plain => None,
            Mark::Canary => Some("canary"),
            Mark::Stable => Some("stable"),
            Mark::Missing => Some("missing"),
        }
    }
}
