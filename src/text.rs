//! Limits the length of text that users write, such as object names in messages.

use std::borrow::Cow;

/// At most `max_chars` characters of the text. The last one is `…` if the text was longer.
pub fn truncate(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.chars().nth(max_chars).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().take(max_chars.saturating_sub(1));
    Cow::Owned(kept.chain(['…']).collect())
}

/// At most `max_bytes` bytes of the text, in whole characters and without an ellipsis: for API fields whose
/// length is limited in bytes.
pub fn truncate_bytes(text: &str, max_bytes: usize) -> &str {
    let end = text.floor_char_boundary(max_bytes);
    text.get(..end).unwrap_or(text)
}

/// The text with control characters, and those that hide or reorder what follows, written as `\n` or `\u{202e}`:
/// names from a repository can then not forge a line of output.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unprintable(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    Cow::Owned(printable)
}

/// Control characters, line separators, bidirectional marks and characters without width.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
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
    fn writes_out_what_could_forge_a_line() {
        assert_eq!(printable("a łb.yaml"), "a łb.yaml");
        assert_eq!(
            printable("a\n::error::\u{202e}b\u{9b}"),
            "a\\n::error::\\u{202e}b\\u{9b}"
        );
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
