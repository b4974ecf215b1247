//! Placeholders: what a tool puts a value for before the manifest is applied, such as `${HOST}`.

use super::node::{Content, Node, Span};

/// What begins a placeholder, and what ends it.
const DELIMITERS: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];

/// The first placeholder of the text: `${…}`, `$(…)`, `{{…}}` or `<NAME>`.
pub fn placeholder(text: &str) -> Option<&str> {
    let found = DELIMITERS.iter().filter_map(|(open, close)| {
        let mut starts = text.match_indices(open);
        starts.find_map(|(start, _)| {
            let inner = text.get(start + open.len()..)?;
            let length = inner.find(close)?;
            // `(?<name>…)` and `(?P<name>…)` are groups of a regular expression.
            let before = text.get(..start)?;
            let is_group = before.ends_with('?') || before.ends_with("?P");
            let is_name = *open != "<" || !is_group && is_name(inner.get(..length)?);
            let end = start + open.len() + length + close.len();
            is_name.then_some((start, end))
        })
    });
    let (start, end) = found.min()?;
    text.get(start..end)
}

/// Whether this is a name as people write it between angle brackets: `NAMESPACE`, `your-host`.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_part)
}

impl Node {
    /// The first key or string of the tree for which `test` holds, and its position. Branches for whose key `skip`
    /// holds are left out.
    pub fn find_text(
        &self,
        skip: &impl Fn(&str) -> bool,
        test: &impl Fn(&str) -> bool,
    ) -> Option<(&str, Span)> {
        match &self.content {
            Content::String(text) => test(text).then_some((text, self.span)),
            Content::Sequence(items) => items.iter().find_map(|item| item.find_text(skip, test)),
            Content::Mapping(entries) => entries.iter().find_map(|(key, value)| {
                if skip(&key.text) {
                    return None;
                }
                let in_key = test(&key.text).then_some((key.text.as_str(), key.span));
                in_key.or_else(|| value.find_text(skip, test))
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_placeholders_of_common_tools() {
        let found = |text| placeholder(text).unwrap_or_default();
        assert_eq!(found("app.${NS}.svc"), "${NS}");
        assert_eq!(found("$(HOST)"), "$(HOST)");
        assert_eq!(found("{{ .Values.host }}-${X}"), "{{ .Values.host }}");
        assert_eq!(found("<your-host>"), "<your-host>");
        for text in ["a < b > c", "^(?<x>.*)$", "$HOST", "${", "<>", "}}{{"] {
            assert_eq!(found(text), "", "{text}");
        }
    }
}
