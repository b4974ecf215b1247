//! The parts of a text that can be parsed by themselves, on different cores.

use crate::source::Position;

/// A larger text is read in pieces.
const PIECE_BYTES: usize = 256 << 10;

/// A part of a text that can be parsed by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub start: Position,
    pub end: usize,
    /// The text has directives, which stand before the document that they are for.
    pub has_directive: bool,
}

/// The pieces of a text: YAML documents are independent, and `---` at the start of a line always begins one.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = Position::FIRST;
    let has_directive = has_directive(text);
    if !has_directive {
        let mut byte = 0;
        for (line, content) in (1..).zip(text.split_inclusive('\n')) {
            if byte - start.byte >= PIECE_BYTES && is_document_start(content) {
                pieces.push(Piece {
                    start,
                    end: byte,
                    has_directive,
                });
                start = Position {
                    line,
                    column: 1,
                    byte,
                };
            }
            byte += content.len();
        }
    }
    let end = text.len();
    pieces.push(Piece {
        start,
        end,
        has_directive,
    });
    pieces
}

fn is_document_start(line: &str) -> bool {
    let rest = line.strip_prefix("---");
    rest.is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty())
}

/// Whether a line may be a directive, which holds for the document after it.
fn has_directive(text: &str) -> bool {
    text.starts_with('%') || text.contains("\n%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_where_a_document_begins() {
        let document = format!("a: 1\nb: |\n  {}\n", "x".repeat(PIECE_BYTES));
        let text = format!("{document}--- # next\n{document}----\n{document}---");
        let cut: Vec<&str> = pieces(&text)
            .iter()
            .map(|piece| &text[piece.start.byte..piece.end])
            .collect();
        let next = format!("--- # next\n{document}----\n{document}");
        assert_eq!(cut, [document.as_str(), &next, "---"]);
        let lines: Vec<usize> = pieces(&text).iter().map(|piece| piece.start.line).collect();
        assert_eq!(lines, [1, 4, 12]);
        assert_eq!(pieces(&format!("%TAG ! x\n{text}")).len(), 1);
    }
}
