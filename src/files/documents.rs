//! The objects of a text. A source tree takes twenty times the memory of its text, so it is dropped once the object
//! is read; where it is needed again, it is parsed again.

use std::sync::Arc;

use serde_json::Value;

use super::error::Fault;
use super::pieces::Piece;
use crate::model::{Kind, Object};
use crate::mutations::is_mutable;
use crate::source::{
    Content, KeyNode, Limits, Node, Parsed, Position, Span, parse_each, placeholder,
};

/// JSON that is nested more deeply is not read again.
const MAX_JSON_DEPTH: usize = 100;

/// One object of a kind we know.
#[derive(Debug)]
pub struct Document {
    pub object: Arc<Object>,
    pub span: Span,
    /// Index in [`super::manifests::Manifests::files`].
    pub file: usize,
    /// The keys that stand in their mapping for the second time.
    pub repeated_keys: Vec<KeyNode>,
    /// The tree, if it has a placeholder, if JSON does not hold it, or if its text does not stand alone.
    pub tree: Option<Box<Node>>,
    /// The object as it is written, if there is no tree, and if each check needs it.
    json: Box<str>,
    pub(super) place: Place,
    /// The name that stands for the one that the API server makes of `generateName`.
    generated_name: Option<String>,
}

/// Where the YAML document of an object begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub start: Position,
    end: usize,
    /// Which item of it.
    item: usize,
    /// It is the only object of its YAML document.
    is_alone: bool,
    /// It can be parsed without what stands before it.
    stands_alone: bool,
}

/// The documents of a piece of a text.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub documents: Vec<Document>,
    /// The values with an anchor that an alias repeats.
    pub repeated_values: Vec<Span>,
}

/// The objects of the piece.
pub(super) fn read(text: &str, piece: Piece, namespace: &str) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    let mut failed = None;
    let part = text.get(piece.start.byte..piece.end).unwrap_or_default();
    parse_each(part, piece.start, Limits::default(), |parsed| {
        for node in &parsed.documents {
            let place = Place {
                stands_alone: !piece.has_directive,
                ..Place::of(node, text)
            };
            let read = loaded.add(node.clone(), place, &parsed, text, namespace);
            failed = failed.take().or(read.err());
        }
        loaded.repeated_values.extend(parsed.repeated_values);
    })?;
    failed.map_or(Ok(loaded), Err)
}

impl Place {
    fn of(node: &Node, text: &str) -> Self {
        let Position { line, byte, .. } = node.span.start;
        let before = text.get(..byte).unwrap_or_default();
        let start = Position {
            line,
            column: 1,
            byte: before.rfind('\n').map_or(0, |end| end + 1),
        };
        Self {
            start,
            end: node.span.end.byte,
            item: 0,
            is_alone: true,
            stands_alone: true,
        }
    }

    /// The items of the YAML document.
    pub fn parse(&self, text: &str) -> Vec<Node> {
        let part = text.get(self.start.byte..self.end).unwrap_or_default();
        let mut documents = Vec::new();
        let read = parse_each(part, self.start, Limits::default(), |parsed| {
            documents.extend(parsed.documents);
        });
        let document = documents.into_iter().next().filter(|_| read.is_ok());
        document.map(items).unwrap_or_default()
    }

    pub fn item<'n>(&self, items: &'n [Node]) -> Option<&'n Node> {
        items.get(self.item)
    }
}

impl Loaded {
    fn add(
        &mut self,
        node: Node,
        place: Place,
        parsed: &Parsed,
        text: &str,
        namespace: &str,
    ) -> Result<(), Fault> {
        let mut complex_keys = parsed.complex_keys.clone();
        complex_keys.sort_by_key(|key| key.start.byte);
        let mut repeated_keys = parsed.repeated_keys.clone();
        repeated_keys.sort_by_key(|key| key.span.start.byte);
        let items = items(node);
        let is_alone = items.len() == 1;
        for (item, node) in items.into_iter().enumerate() {
            let Some(kind) = kind_of(&node) else {
                continue;
            };
            refuse_complex_keys(text, inside(&complex_keys, &node, |key| *key))?;
            let repeated_keys = inside(&repeated_keys, &node, |key| key.span);
            let place = Place {
                item,
                is_alone,
                ..place
            };
            self.documents.push(Document::new(
                kind,
                node,
                place,
                repeated_keys,
                text,
                namespace,
            ));
        }
        Ok(())
    }
}

impl Document {
    fn new(
        kind: Kind,
        node: Node,
        place: Place,
        repeated_keys: &[KeyNode],
        text: &str,
        namespace: &str,
    ) -> Self {
        let value = node.to_value();
        let written = text.get(node.span.start.byte..node.span.end.byte);
        let keeps_tree = !place.stands_alone
            || written.is_none_or(may_hold_placeholder) && has_placeholder(&node)
            || !is_plain(&node, MAX_JSON_DEPTH);
        let keeps_json = !keeps_tree && (is_mutable(kind) || !place.is_alone);
        let json = if keeps_json {
            value.to_string()
        } else {
            String::new()
        };
        Self {
            object: Arc::new(Object::of_manifest(kind, &value, namespace)),
            span: node.span,
            file: 0,
            repeated_keys: repeated_keys.to_vec(),
            tree: keeps_tree.then(|| Box::new(node)),
            json: json.into(),
            place,
            generated_name: None,
        }
    }

    /// The object as it is applied, with a name, from the text of its file.
    pub(super) fn value(&self, text: &str) -> Value {
        let mut value = match &self.tree {
            Some(tree) => tree.to_value(),
            None if self.json.is_empty() => {
                let items = self.place.parse(text);
                self.place
                    .item(&items)
                    .map(Node::to_value)
                    .unwrap_or_default()
            }
            None => serde_json::from_str(&self.json).unwrap_or_default(),
        };
        if let Some(name) = &self.generated_name
            && let Some(Value::Object(meta)) = value.get_mut("metadata")
        {
            meta.insert("name".to_owned(), name.clone().into());
        }
        value
    }

    /// Gives an object that only says how its name begins a name with this number: each is an object of its own. The
    /// API server adds five characters too.
    pub(super) fn generate_name(&mut self, number: usize, text: &str, namespace: &str) {
        if !self.object.meta.name().is_empty() {
            return;
        }
        let value = self.value(text);
        let prefix = value
            .pointer("/metadata/generateName")
            .and_then(Value::as_str);
        let Some(prefix) = prefix else {
            return;
        };
        self.generated_name = Some(format!("{prefix}{number:05}"));
        let kind = self.object.key().kind;
        let named = Object::of_manifest(kind, &self.value(text), namespace);
        self.object = Arc::new(named);
    }
}

/// Whether JSON holds the tree as it is: floats may differ in the last digit, and depth is limited.
fn is_plain(node: &Node, depth: usize) -> bool {
    depth > 0
        && match &node.content {
            Content::Float(_) => false,
            Content::Sequence(items) => items.iter().all(|item| is_plain(item, depth - 1)),
            Content::Mapping(entries) => {
                let mut entries = entries.iter();
                entries.all(|(_, value)| is_plain(value, depth - 1))
            }
            _ => true,
        }
}

/// Whether a text may hold a placeholder, also behind an escape.
fn may_hold_placeholder(text: &str) -> bool {
    text.contains(['<', '\\', '$']) || text.contains("{{")
}

fn has_placeholder(node: &Node) -> bool {
    node.find_text(&|_| false, &|text| placeholder(text).is_some())
        .is_some()
}

/// The kind of a document that we know.
fn kind_of(node: &Node) -> Option<Kind> {
    let text = |field| node.get(field).and_then(Node::as_str);
    Kind::of(text("apiVersion")?, text("kind")?)
}

/// A key that is a list or a mapping, unless it is how YAML reads a template's `{{ … }}`.
fn refuse_complex_keys(text: &str, keys: &[Span]) -> Result<(), Fault> {
    let mut wrong = keys.iter().filter(|key| {
        let before = text.get(..key.start.byte).unwrap_or_default();
        !before.ends_with('{')
    });
    match wrong.next() {
        Some(key) => Err(Fault::ComplexKey {
            line: key.start.line,
            column: key.start.column,
        }),
        None => Ok(()),
    }
}

/// Those of the keys, which are sorted, that stand in the node.
fn inside<'a, T>(keys: &'a [T], node: &Node, span: impl Fn(&T) -> Span) -> &'a [T] {
    let before = |byte: usize| keys.partition_point(|key| span(key).start.byte < byte);
    let range = before(node.span.start.byte)..before(node.span.end.byte);
    keys.get(range).unwrap_or_default()
}

/// The items of a `List`, of lists in it too; any other document itself.
fn items(node: Node) -> Vec<Node> {
    let is_list = node
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    if !is_list {
        return vec![node];
    }
    match node.get("items").map(|items| &items.content) {
        Some(Content::Sequence(nodes)) => nodes.iter().cloned().flat_map(items).collect(),
        _ => Vec::new(),
    }
}
