//! The tree of a document: values, each with its position in the text.

use std::sync::Arc;

use serde_json::{Map, Value};

/// A value of a document, with its position. A copy shares the lists and mappings: an alias costs what a pointer
/// costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub content: Content,
    pub span: Span,
    /// Written in flow style, `{a: 1}` or `[1]`, as all of JSON is.
    pub flow: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Sequence(Arc<[Node]>),
    Mapping(Arc<[(KeyNode, Node)]>),
}

/// A mapping's key, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNode {
    pub text: String,
    pub span: Span,
}

/// A range of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

impl Span {
    pub fn contains(&self, inner: &Span) -> bool {
        self.start.byte <= inner.start.byte && inner.end.byte <= self.end.byte
    }
}

/// A position in the text. Lines and columns count from 1, columns in characters, `byte` from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    pub byte: usize,
}

impl Position {
    /// The start of a text.
    pub const FIRST: Position = Position {
        line: 1,
        column: 1,
        byte: 0,
    };
}

impl Node {
    pub fn get(&self, name: &str) -> Option<&Node> {
        let (_, value) = self.entry(name)?;
        Some(value)
    }

    pub fn entry(&self, name: &str) -> Option<&(KeyNode, Node)> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|(key, _)| key.text == name),
            _ => None,
        }
    }

    pub fn at(&self, index: usize) -> Option<&Node> {
        match &self.content {
            Content::Sequence(items) => items.get(index),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value without its positions.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(set) => Value::Bool(*set),
            Content::Int(number) => Value::from(*number),
            Content::Float(number) => Value::from(*number),
            Content::String(text) => Value::String(text.clone()),
            Content::Sequence(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Content::Mapping(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| (key.text.clone(), value.to_value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}
