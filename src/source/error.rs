//! Why a text cannot be read, and the conversion of the parser's positions.

use std::fmt;

use granit_parser::{Marker, ScanError};

use super::node::{Position, Span};

/// Why a text cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub position: Position,
    pub message: String,
}

pub(super) fn error(span: Span, message: impl Into<String>) -> Error {
    Error {
        position: span.start,
        message: message.into(),
    }
}

pub(super) fn of_scan(scan: &ScanError, start: Position) -> Error {
    Error {
        position: position(scan.marker(), start),
        message: scan.info().clone(),
    }
}

pub(super) fn span_of(span: &granit_parser::Span, start: Position) -> Span {
    Span {
        start: position(&span.start, start),
        end: position(&span.end, start),
    }
}

/// In the whole text, of which the parsed part begins a line at `start`.
fn position(marker: &Marker, start: Position) -> Position {
    Position {
        line: start.line - 1 + marker.line(),
        column: marker.col() + 1,
        byte: start.byte + marker.byte_offset().unwrap_or_default(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, .. } = self.position;
        write!(f, "line {line}, column {column}: {}", self.message)
    }
}

impl std::error::Error for Error {}
