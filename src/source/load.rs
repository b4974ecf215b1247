//! Parses a YAML or JSON text into one tree for each document, with anchors and merge keys resolved.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::error::{Error, error, of_scan, span_of};
use super::node::{Content, KeyNode, Node, Span};
use super::scalar;

/// Limits that bound the work on hostile input.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of lists and mappings.
    pub depth: usize,
    /// Nodes that aliases may add: each line of a hostile text can double them.
    pub aliased_nodes: usize,
}

/// The documents of a text, empty ones left out.
pub fn parse(text: &str, limits: Limits) -> Result<Vec<Node>, Error> {
    let mut builder = Builder {
        limits,
        ..Builder::default()
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| of_scan(&error))?;
        builder.take(event, span_of(&span))?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    limits: Limits,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
}

/// A list or mapping that is not complete yet.
struct Open {
    span: Span,
    flow: bool,
    anchor: usize,
    content: OpenContent,
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
                self.add(node, anchor)
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
            return Err(error(span, "nested too deeply"));
        }
        self.open.push(Open {
            span,
            flow: style == StructureStyle::Flow,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Error> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let content = match open.content {
            OpenContent::Sequence(items) => Content::Sequence(items),
            OpenContent::Mapping(entries, _) => Content::Mapping(merge(entries)),
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
        self.add(node, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Error> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(error(span, "an alias to an anchor that is not complete"));
        };
        self.aliased += count(&node);
        if self.aliased > self.limits.aliased_nodes {
            return Err(error(span, "aliases expand to too much"));
        }
        self.add(node, 0)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Error> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => {
                if node.content != Content::Null {
                    self.documents.push(node);
                }
            }
            Some(OpenContent::Sequence(items)) => items.push(node),
            Some(OpenContent::Mapping(entries, waiting)) => match waiting.take() {
                None => *waiting = Some(key(node)?),
                Some(key) => {
                    if key.text != MERGE && entries.iter().any(|(other, _)| other.text == key.text)
                    {
                        let message = format!("the key `{}` stands here twice", key.text);
                        return Err(error(key.span, message));
                    }
                    entries.push((key, node));
                }
            },
        }
        Ok(())
    }
}

/// A key as JSON has it: a scalar's text.
fn key(node: Node) -> Result<KeyNode, Error> {
    let text = match node.content {
        Content::String(text) => text,
        Content::Null => "null".to_owned(),
        Content::Bool(set) => set.to_string(),
        Content::Int(number) => number.to_string(),
        Content::Float(number) => number.to_string(),
        Content::Sequence(_) | Content::Mapping(_) => {
            return Err(error(node.span, "a key must be a string"));
        }
    };
    Ok(KeyNode {
        text,
        span: node.span,
    })
}

/// Adds the entries of `<<` whose keys the mapping does not have itself.
fn merge(entries: Vec<(KeyNode, Node)>) -> Vec<(KeyNode, Node)> {
    if entries.iter().all(|(key, _)| key.text != MERGE) {
        return entries;
    }
    let (merged, mut own): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, _)| key.text == MERGE);
    for (_, node) in merged {
        let sources = match node.content {
            Content::Sequence(items) => items,
            _ => vec![node],
        };
        for source in sources {
            if let Content::Mapping(entries) = source.content {
                let known = |own: &[(KeyNode, Node)], key: &KeyNode| {
                    own.iter().any(|(other, _)| other.text == key.text)
                };
                for (key, value) in entries {
                    if !known(&own, &key) {
                        own.push((key, value));
                    }
                }
            }
        }
    }
    own
}

fn count(node: &Node) -> usize {
    1 + match &node.content {
        Content::Sequence(items) => items.iter().map(count).sum(),
        Content::Mapping(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            aliased_nodes: 100_000,
        }
    }
}

const MERGE: &str = "<<";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(text: &str) -> Vec<serde_json::Value> {
        let documents = parse(text, Limits::default());
        let documents = documents.unwrap_or_else(|error| panic!("{error}"));
        documents.iter().map(Node::to_value).collect()
    }

    #[test]
    fn reads_documents_anchors_and_merge_keys() {
        let text = "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n---\n---\n- yes\n- 'yes'\n";
        let expected = [
            json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
            json!([true, "yes"]),
        ];
        assert_eq!(values(text), expected);
    }

    #[test]
    fn reads_json_with_tabs_and_surrogates() {
        let text = "{\n\t\"a\": [1,\n\t\t2.0], \"b\": \"\\u00e9\\ud83d\\ude00\\/\"\n}\n";
        assert_eq!(values(text), [json!({"a": [1, 2.0], "b": "é😀/"})]);
    }

    #[test]
    fn tells_where_a_text_is_broken() {
        let error = parse("a: 1\nb: [\n", Limits::default()).unwrap_err();
        assert_eq!(error.position.line, 2);
        let twice = parse("a: 1\nb: 2\na: 3\n", Limits::default()).unwrap_err();
        assert_eq!(
            twice.to_string(),
            "line 3, column 1: the key `a` stands here twice"
        );
    }

    #[test]
    fn bounds_what_aliases_expand_to() {
        let level = |level: u32, below: u32| format!("a{level}: &a{level} [*a{below}, *a{below}]");
        let mut lines = vec!["a0: &a0 [x, x]".to_owned()];
        lines.extend((1..40).map(|number| level(number, number - 1)));
        let error = parse(&lines.join("\n"), Limits::default()).unwrap_err();
        assert_eq!(error.message, "aliases expand to too much");
    }
}
