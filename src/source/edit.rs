//! Edits of byte ranges: replace a value, add an entry to a mapping, remove one. Nothing else is written, so
//! comments, order, quotes and indentation of everything else stay.

use serde_json::Value;

use super::load::{Limits, parse_leniently};
use super::node::{Content, KeyNode, Node, Span};
use crate::field::{Path, Segment};

/// A piece of text in the place of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    pub range: (usize, usize),
    pub text: String,
    /// The bytes of the value that it changes: one that an anchor names changes its aliases too.
    pub changes: (usize, usize),
}

impl Edit {
    /// The value among these that the edit changes or removes.
    pub fn within<'a>(&self, values: &'a [Span]) -> Option<&'a Span> {
        let (start, end) = self.changes;
        values.iter().find(|value| {
            let (from, to) = (value.start.byte, value.end.byte);
            let inside = from <= start && end <= to;
            let removed = self.range.0 < to && from < self.range.1;
            inside || removed
        })
    }
}

/// A text with edits made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    /// The lines of the edits that were not made, because they overlap an edit before them.
    pub overlapping_lines: Vec<usize>,
}

/// Makes the edits. Equal edits are made once.
pub fn apply(text: &str, edits: &[Edit]) -> Edited {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort();
    edits.dedup();
    let mut edited = String::with_capacity(text.len());
    let mut overlapping_lines = Vec::new();
    let mut at = 0;
    for edit in edits {
        let (start, end) = edit.range;
        let Some(kept) = text.get(at..start) else {
            overlapping_lines.push(line_of(text, start));
            continue;
        };
        edited.push_str(kept);
        edited.push_str(&edit.text);
        at = end;
    }
    edited.push_str(text.get(at..).unwrap_or_default());
    Edited {
        text: edited,
        overlapping_lines,
    }
}

/// Whether the edited text still parses, to as many documents. YAML has forms in which an edit of one value changes
/// what follows.
pub fn is_sound(text: &str, edited: &str) -> bool {
    let count =
        |text| parse_leniently(text, Limits::default()).map(|parsed| parsed.documents.len());
    count(edited).is_ok_and(|documents| count(text) == Ok(documents))
}

/// The edit that puts `value` at `path` of a document of `text`; `None` where the parent is not there or
/// is no mapping.
pub fn set(text: &str, document: &Node, path: &Path, value: &Value) -> Option<Edit> {
    if let Some(node) = document.find(path) {
        return Some(replace(text, node, value));
    }
    let (last, _) = path.segments().split_last()?;
    let key = name(last)?;
    let parent = document.find(&path.parent()?)?;
    match &parent.content {
        Content::Mapping(entries) if parent.flow || begins_plainly(text, entries) => {
            Some(add(text, parent, entries, key, value))
        }
        _ => None,
    }
}

/// Whether the first key of a block mapping stands behind indentation and `- ` only. Behind an explicit `?` a mapping
/// is a key itself.
fn begins_plainly(text: &str, entries: &[(KeyNode, Node)]) -> bool {
    let Some((first, _)) = entries.first() else {
        return true;
    };
    let before = text.get(..first.span.start.byte).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().all(|character| matches!(character, ' ' | '-'))
}

/// The edit that gives the entry at `path` of a mapping another key, which needs no quotes.
pub fn rename(text: &str, document: &Node, path: &Path, key: &str) -> Option<Edit> {
    let name = name(path.segments().last()?)?;
    let parent = document.find(&path.parent()?)?;
    let (old, _) = parent.entry(name)?;
    let range = (old.span.start.byte, old.span.end.byte);
    let quote = text.get(range.0..range.1)?.chars().next();
    let quote = quote
        .filter(|first| matches!(first, '"' | '\''))
        .map(String::from);
    let quote = quote.unwrap_or_default();
    Some(Edit {
        range,
        text: format!("{quote}{key}{quote}"),
        changes: bytes(parent),
    })
}

/// The key that a segment names; `None` for an index.
fn name(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Field(name) => Some(name),
        Segment::Entry(name) | Segment::Unknown(name) => Some(name),
        Segment::Index(_) => None,
    }
}

/// The edit that takes the entry at `path` out of its block mapping, with its line.
pub fn remove(text: &str, document: &Node, path: &Path) -> Option<Edit> {
    let (last, _) = path.segments().split_last()?;
    let parent = document.find(&path.parent()?)?;
    let (Segment::Entry(name), false) = (last, parent.flow) else {
        return None;
    };
    let (key, value) = parent.entry(name)?;
    let start = line_start(text, key.span.start.byte);
    let end = line_end(text, value.span.end.byte);
    let end = text
        .get(end..)?
        .find('\n')
        .map_or(end, |newline| end + newline + 1);
    Some(Edit {
        range: (start, end),
        text: String::new(),
        changes: bytes(parent),
    })
}

fn replace(text: &str, node: &Node, value: &Value) -> Edit {
    let (start, end) = bytes(node);
    let quoted = text.get(start..end).is_some_and(|old| old.starts_with('"'));
    let inline = inline(value, quoted);
    if start < end {
        return Edit {
            range: (start, end),
            text: inline,
            changes: (start, end),
        };
    }
    // `key:` without a value: the parser puts it at the colon.
    let colon = text.get(start..).is_some_and(|rest| rest.starts_with(':'));
    let at = start + usize::from(colon);
    Edit {
        range: (at, at),
        text: format!(" {inline}"),
        changes: (start, end),
    }
}

fn add(text: &str, parent: &Node, entries: &[(KeyNode, Node)], key: &str, value: &Value) -> Edit {
    let Some((first, first_value)) = entries.first() else {
        return replace(
            text,
            parent,
            &Value::from_iter([(key.to_owned(), value.clone())]),
        );
    };
    if parent.flow {
        return add_to_flow(text, parent, first, key, value);
    }
    let indent = first.span.start.column - 1;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = block(key, value, indent, newline);
    let pad = " ".repeat(indent);
    // A name goes first, anything else behind the name.
    let one_line = first_value.span.end.line == first.span.start.line;
    if key == "name" || !one_line {
        let at = first.span.start.byte;
        return Edit {
            range: (at, at),
            text: format!("{lines}{newline}{pad}"),
            changes: bytes(parent),
        };
    }
    let at = line_end(text, first_value.span.end.byte);
    Edit {
        range: (at, at),
        text: format!("{newline}{pad}{lines}"),
        changes: bytes(parent),
    }
}

fn add_to_flow(text: &str, parent: &Node, first: &KeyNode, key: &str, value: &Value) -> Edit {
    let at = first.span.start.byte;
    let quoted = text.get(at..).is_some_and(|rest| rest.starts_with('"'));
    let own_line = first.span.start.line > parent.span.start.line;
    let gap = if own_line {
        let start = line_start(text, at);
        format!("\n{}", text.get(start..at).unwrap_or_default())
    } else {
        " ".to_owned()
    };
    let entry = format!("{}: {}", scalar(key, quoted), inline(value, quoted));
    Edit {
        range: (at, at),
        text: format!("{entry},{gap}"),
        changes: bytes(parent),
    }
}

/// `key: value` in block style; the first line is not indented, the others are.
fn block(key: &str, value: &Value, indent: usize, newline: &str) -> String {
    let key = scalar(key, false);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let deeper = indent + 2;
            let entries = map.iter().map(|(key, value)| {
                let entry = block(key, value, deeper, newline);
                format!("{newline}{}{entry}", " ".repeat(deeper))
            });
            format!("{key}:{}", entries.collect::<String>())
        }
        other => format!("{key}: {}", inline(other, false)),
    }
}

/// A value on one line; `quoted`: as JSON has it.
fn inline(value: &Value, quoted: bool) -> String {
    match value {
        Value::String(text) => scalar(text, quoted),
        Value::Object(map) if !quoted => {
            let entries = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(key, false), inline(value, false)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A string plain where YAML reads it back as that string, else in double quotes.
fn scalar(text: &str, quoted: bool) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let same = super::scalar::plain(text) == Content::String(text.to_owned());
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !quoted && same && starts && text.chars().all(plain) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

fn bytes(node: &Node) -> (usize, usize) {
    (node.span.start.byte, node.span.end.byte)
}

/// The number of the line, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line without its line break.
fn line_end(text: &str, at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default();
    at + after.find(['\r', '\n']).unwrap_or(after.len())
}
