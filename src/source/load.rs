//! Parses a YAML or JSON text into one tree for each document, with anchors and merge keys resolved.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::error::{Error, error, of_scan, span_of};
use super::mapping;
use super::node::{Content, KeyNode, Node, Position, Span};
use super::scalar;

/// Limits that bound the work on hostile input.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of lists and mappings, also by aliases.
    pub depth: usize,
    /// Values of a text.
    pub nodes: usize,
    /// Bytes that aliases may add where a tree is written out: each line of a hostile text can double them.
    pub aliased_bytes: usize,
}

/// What a value counts for in [`Limits::aliased_bytes`], besides its text.
const NODE_BYTES: usize = 64;

/// A text, parsed.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The documents, empty ones left out.
    pub documents: Vec<Node>,
    /// The keys that stand in their mapping for the second time. The last one counts.
    pub repeated_keys: Vec<KeyNode>,
    /// The keys that are lists or mappings, which JSON does not have.
    pub complex_keys: Vec<Span>,
    /// The values with an anchor that an alias repeats.
    pub repeated_values: Vec<Span>,
}

/// The documents of a text, empty ones left out. A key that stands twice, and one that is no string, is an error.
pub fn parse(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    let parsed = parse_leniently(text, limits)?;
    if let Some(span) = parsed.complex_keys.first() {
        return Err(error(*span, COMPLEX_KEY));
    }
    if let Some(key) = parsed.repeated_keys.first() {
        let message = format!("the key `{}` stands here twice", key.text);
        return Err(error(key.span, message));
    }
    Ok(parsed.documents)
}

/// The same for texts that kubectl and Kustomize read: what is odd in them is noted.
pub fn parse_leniently(text: &str, limits: Limits) -> Result<Parsed, Error> {
    let mut all = Parsed::default();
    parse_each(text, Position::FIRST, limits, |parsed| {
        all.documents.extend(parsed.documents);
        all.repeated_keys.extend(parsed.repeated_keys);
        all.complex_keys.extend(parsed.complex_keys);
        all.repeated_values.extend(parsed.repeated_values);
    })?;
    Ok(all)
}

/// The same, one document after the other, of a part of a text that begins a line at `start`.
pub fn parse_each(
    part: &str,
    start: Position,
    limits: Limits,
    mut each: impl FnMut(Parsed),
) -> Result<(), Error> {
    let mut builder = Builder {
        limits,
        ..Builder::default()
    };
    for event in Parser::new_from_str(part) {
        let (event, span) = event.map_err(|error| of_scan(&error, start))?;
        builder.take(event, span_of(&span, start))?;
        if !builder.parsed.documents.is_empty() {
            each(std::mem::take(&mut builder.parsed));
        }
    }
    Ok(())
}

pub(super) const COMPLEX_KEY: &str = "a key must be a string";

#[derive(Default)]
struct Builder {
    limits: Limits,
    parsed: Parsed,
    open: Vec<Open>,
    anchors: HashMap<usize, Measured>,
    /// The anchors that an alias repeats.
    repeated: HashSet<usize>,
    nodes: usize,
    aliased_bytes: usize,
}

/// A complete value, and what it costs to repeat it.
#[derive(Clone)]
struct Measured {
    node: Node,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    /// Of the tree written out.
    bytes: usize,
    /// Levels of lists and mappings.
    height: usize,
}

/// A list or mapping that is not complete yet.
struct Open {
    span: Span,
    flow: bool,
    anchor: usize,
    content: OpenContent,
    /// Of what it holds so far.
    size: Size,
}

enum OpenContent {
    Sequence(Vec<Node>),
    /// The entries, and a key that waits for its value.
    Mapping(Vec<(KeyNode, Node)>, Option<KeyNode>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size {
                    bytes: NODE_BYTES + text.len(),
                    height: 0,
                };
                let content = match (tag, style) {
                    (Some(tag), _) => scalar::tagged(tag.suffix(), &text),
                    // The parser gives `~` for an absent value.
                    (None, ScalarStyle::Plain) => scalar::plain(&text),
                    (None, _) => Content::String(text.into_owned()),
                };
                let node = Node {
                    content,
                    span,
                    flow: false,
                };
                self.add(Measured { node, size }, anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(style, anchor, span, OpenContent::Sequence(Vec::new()))
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(style, anchor, span, OpenContent::Mapping(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        style: StructureStyle,
        anchor: usize,
        span: Span,
        content: OpenContent,
    ) -> Result<(), Error> {
        if self.open.len() >= self.limits.depth {
            return Err(error(span, TOO_DEEP));
        }
        self.open.push(Open {
            span,
            flow: style == StructureStyle::Flow,
            anchor,
            content,
            size: Size::default(),
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Error> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let content = match open.content {
            OpenContent::Sequence(items) => Content::Sequence(items.into()),
            OpenContent::Mapping(entries, _) => {
                Content::Mapping(mapping::entries(entries, &mut self.parsed.repeated_keys))
            }
        };
        let span = Span {
            start: open.span.start,
            end: span.end,
        };
        let node = Node {
            content,
            span,
            flow: open.flow,
        };
        let size = Size {
            bytes: open.size.bytes + NODE_BYTES,
            height: open.size.height + 1,
        };
        self.add(Measured { node, size }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Error> {
        let Some(repeated) = self.anchors.get(&anchor).cloned() else {
            return Err(error(span, "an alias to an anchor that is not complete"));
        };
        self.aliased_bytes += repeated.size.bytes;
        if self.aliased_bytes > self.limits.aliased_bytes {
            return Err(error(span, "aliases expand to too much"));
        }
        if self.open.len() + repeated.size.height > self.limits.depth {
            return Err(error(span, TOO_DEEP));
        }
        if self.repeated.insert(anchor) {
            self.parsed.repeated_values.push(repeated.node.span);
        }
        self.add(repeated, 0)
    }

    fn add(&mut self, value: Measured, anchor: usize) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let message = format!("more than {} values in one file", self.limits.nodes);
            return Err(error(value.node.span, message));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        let Measured { node, size } = value;
        let Some(open) = self.open.last_mut() else {
            if node.content != Content::Null {
                self.parsed.documents.push(node);
            }
            return Ok(());
        };
        open.size.bytes += size.bytes;
        open.size.height = open.size.height.max(size.height);
        match &mut open.content {
            OpenContent::Sequence(items) => items.push(node),
            OpenContent::Mapping(entries, waiting) => match waiting.take() {
                None => *waiting = Some(key(node, &mut self.parsed.complex_keys)),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }
}

/// A key as JSON has it: a scalar's text.
fn key(node: Node, complex_keys: &mut Vec<Span>) -> KeyNode {
    let text = match node.content {
        Content::String(text) => text,
        Content::Null => "null".to_owned(),
        Content::Bool(set) => set.to_string(),
        Content::Int(number) => number.to_string(),
        Content::Float(number) => number.to_string(),
        Content::Sequence(_) => {
            complex_keys.push(node.span);
            "[]".to_owned()
        }
        // What a template's `{{ … }}` is to YAML.
        Content::Mapping(_) => {
            complex_keys.push(node.span);
            "{{…}}".to_owned()
        }
    };
    KeyNode {
        text,
        span: node.span,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            nodes: 4_000_000,
            aliased_bytes: 16 << 20,
        }
    }
}

const TOO_DEEP: &str = "nested too deeply";
