//! Text that users write, such as object names in messages: its length, and characters that deceive a reader.

use std::borrow::Cow;

/// At most `max_chars` characters of the text. The last one is `…` if the text was longer.
pub fn truncate(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.chars().nth(max_chars).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().take(max_chars.saturating_sub(1));
    Cow::Owned(kept.chain(['…']).collect())
}

/// The text with escapes in place of what is unprintable: names that users write can then not forge a line of output,
/// and the API server drops no warning.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, is_unprintable)
}

/// The same for a log, which escapes control characters itself.
pub fn without_marks(text: &str) -> Cow<'_, str> {
    escape(text, is_mark)
}

/// The text, in which words that are longer than this are shortened in the middle.
pub fn shorten_words(text: &str, max_chars: usize) -> String {
    let shorten = |word: &str| {
        let length = word.chars().count();
        let kept = max_chars.saturating_sub(1);
        if length <= max_chars {
            return word.to_owned();
        }
        let (start, end) = (kept.div_ceil(2), kept / 2);
        let (first, last) = (word.chars().take(start), word.chars().skip(length - end));
        first.chain(['…']).chain(last).collect()
    };
    let words: Vec<String> = text.split(' ').map(shorten).collect();
    words.join(" ")
}

/// Control characters, and characters that a terminal hides or by which it reorders others.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || is_mark(c)
}

/// Marks of bidirectional text, line separators and characters without a width.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// At most `max_bytes` bytes of the text, in whole characters and without an ellipsis: for API fields whose
/// length is limited in bytes.
pub fn truncate_bytes(text: &str, max_bytes: usize) -> &str {
    let end = text.floor_char_boundary(max_bytes);
    text.get(..end).unwrap_or(text)
}

/// The text in lines of this many columns, broken between words, and in words that are longer. Escape sequences of
/// styles have no width.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for word in text.split(' ').flat_map(|word| pieces(word, columns)) {
        let length = shown_columns(&word);
        match lines.last_mut() {
            Some(line) if line.is_empty() => {
                line.push_str(&word);
                width = length;
            }
            Some(line) if width + 1 + length <= columns => {
                line.push(' ');
                line.push_str(&word);
                width += 1 + length;
            }
            _ => {
                lines.push(word);
                width = length;
            }
        }
    }
    lines
}

/// The word, or parts of it that fit on a line. A style stays whole.
fn pieces(word: &str, columns: usize) -> Vec<String> {
    if word.contains('\u{1b}') || word.chars().count() <= columns {
        return vec![word.to_owned()];
    }
    let chars: Vec<char> = word.chars().collect();
    let parts = chars.chunks(columns.max(1));
    parts.map(|part| part.iter().collect()).collect()
}

/// The characters that a terminal shows: those that are not in an escape sequence of a style.
fn shown_columns(word: &str) -> usize {
    let mut is_escaped = false;
    let shown = word.chars().filter(|c| {
        let was_escaped = is_escaped;
        is_escaped = *c == '\u{1b}' || was_escaped && *c != 'm';
        !is_escaped && !was_escaped
    });
    shown.count()
}

/// The first `max` of several texts, and how many more there are.
pub fn first_of(texts: &[String], max: usize) -> String {
    let first = texts.get(..max).unwrap_or(texts).join(", ");
    match texts.len().saturating_sub(max) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncates_to_characters_with_an_ellipsis() {
        assert_eq!(truncate("łłł", 3), "łłł");
        assert_eq!(truncate("łłłł", 3), "łł…");
        assert_eq!(truncate("", 0), "");
    }

    #[test]
    fn escapes_what_deceives_a_reader() {
        assert_eq!(printable("Straße, שלום"), "Straße, שלום");
        assert_eq!(
            printable("a\nb\x1b[31m\u{202e}c\u{85}"),
            "a\\nb\\u{1b}[31m\\u{202e}c\\u{85}"
        );
        assert_eq!(without_marks("a\n\u{2066}"), "a\n\\u{2066}");
    }

    #[test]
    fn shortens_long_words_alone() {
        assert_eq!(shorten_words("a bcdefgh i", 5), "a bc…gh i");
        assert_eq!(shorten_words("ab  c", 5), "ab  c");
    }

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("ab cd efghijk l", 5), ["ab cd", "efghi", "jk l"]);
        assert_eq!(wrap("a  b", 5), ["a  b"]);
        let styled = "\u{1b}[1mab\u{1b}[0m cd ef";
        assert_eq!(wrap(styled, 5), ["\u{1b}[1mab\u{1b}[0m cd", "ef"]);
    }

    #[test]
    fn names_the_first_texts_and_counts_the_rest() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(first_of(&texts, 3), "a, b, c");
        assert_eq!(first_of(&texts, 2), "a, b and 1 more");
    }

    #[test]
    fn truncates_to_bytes_between_characters() {
        assert_eq!(truncate_bytes("short", 1024), "short");
        assert_eq!(truncate_bytes("łł", 3), "ł");
    }
}
