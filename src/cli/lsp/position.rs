//! Places as editors name them: a `file:` URI, lines from 0, columns in UTF-16 units.

use std::path::PathBuf;

use gen_lsp_types::{Position, Range, TextEdit, Uri};

use crate::source::Span;

/// A text and where its lines begin.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            text,
            starts: starts.collect(),
        }
    }

    pub fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte).max(1) - 1;
        let start = self.starts.get(line).copied().unwrap_or_default();
        let end = self.text.floor_char_boundary(byte);
        let before = self.text.get(start..end).unwrap_or_default();
        Position {
            line: number(line),
            character: number(before.encode_utf16().count()),
        }
    }

    /// The byte at the position; one behind the end of its line is the end of that line.
    pub fn byte(&self, position: Position) -> usize {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        let Some(start) = self.starts.get(line).copied() else {
            return self.text.len();
        };
        let rest = self.text.get(start..).unwrap_or_default();
        let mut units = 0;
        let mut characters = rest.char_indices();
        let found = characters.find(|(_, character)| {
            let is_there = units >= position.character || matches!(character, '\r' | '\n');
            units += number(character.len_utf16());
            is_there
        });
        found.map_or(self.text.len(), |(at, _)| start + at)
    }

    pub fn range(&self, span: Span) -> Range {
        Range {
            start: self.position(span.start.byte),
            end: self.position(span.end.byte.max(span.start.byte)),
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The edit that makes `new` of `old`: of what differs alone.
pub fn difference(old: &str, new: &str) -> TextEdit {
    let same = |(one, other): &((usize, char), (usize, char))| one.1 == other.1;
    let pairs = old.char_indices().zip(new.char_indices());
    let start: usize = pairs
        .take_while(same)
        .map(|((_, character), _)| character.len_utf8())
        .sum();
    let (old_rest, new_rest) = (
        old.get(start..).unwrap_or_default(),
        new.get(start..).unwrap_or_default(),
    );
    let pairs = old_rest.chars().rev().zip(new_rest.chars().rev());
    let end: usize = pairs
        .take_while(|(one, other)| one == other)
        .map(|(character, _)| character.len_utf8())
        .sum();
    let lines = Lines::of(old);
    let new_text = new_rest.get(..new_rest.len() - end).unwrap_or_default();
    TextEdit {
        range: Range {
            start: lines.position(start),
            end: lines.position(old.len() - end),
        },
        new_text: new_text.to_owned(),
    }
}

pub fn contains(range: &Range, position: Position) -> bool {
    range.start <= position && position <= range.end
}

pub fn meet(one: &Range, other: &Range) -> bool {
    one.start <= other.end && other.start <= one.end
}

/// The path of a `file:` URI.
pub fn path_of(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let (_host, path) = rest.split_at(rest.find('/')?);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(PathBuf::from(String::from_utf8(bytes).ok()?))
}
