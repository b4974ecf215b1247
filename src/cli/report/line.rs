//! A line of a file as people see it, with the part of it to underline. A line can be as long as a file, and have as
//! many findings: only what is round the underlined part is read and shown.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet};

use crate::cli::terminal::columns;
use crate::files::manifests::File;
use crate::source::Span;
use crate::text::is_unprintable;

/// How much is read of a line on either side of where the underlined part begins: more than a terminal shows.
const MAX_BYTES: usize = 1024;
/// The columns of what is no terminal, as for rustc.
const DEFAULT_COLUMNS: usize = 140;
/// What is shorter tells nothing.
const MIN_LABEL: usize = 16;
/// Stands for file, line and column until the text is rendered, as the renderer would count columns in what is shown
/// of a line. No message has a control character.
const PLACE: &str = "\0";

pub struct Line<'a> {
    file: &'a str,
    /// Line and column of the underlined part.
    place: (usize, usize),
    /// Without control characters, each in the place of as many bytes.
    text: Cow<'a, str>,
    underlined: Range<usize>,
}

impl<'a> Line<'a> {
    pub fn of(file: &'a File, span: Span) -> Self {
        let (before, after) = file
            .text
            .split_at_checked(span.start.byte)
            .unwrap_or(("", &file.text));
        let cut = before.len().saturating_sub(MAX_BYTES);
        let before = before.get(before.ceil_char_boundary(cut)..);
        let before = before.unwrap_or_default().rsplit('\n').next();
        let after = after.get(..after.floor_char_boundary(MAX_BYTES));
        let after = after.unwrap_or_default().split(['\n', '\r']).next();
        let (from, rest) = (before.map_or(0, str::len), after.map_or(0, str::len));
        let start = span.start.byte - from;
        let text = file.text.get(start..span.start.byte + rest);
        let text = text.unwrap_or_default();
        let length = span.end.byte.saturating_sub(span.start.byte).min(rest);
        Self {
            file: &file.name,
            place: (span.start.line.max(1), span.start.column.max(1)),
            text: without_controls(text),
            underlined: from.min(text.len())..(from + length.max(1)).min(text.len()),
        }
    }

    /// The label behind the underlined part, or as much of its end as a terminal has room for.
    pub fn label(&self, label: String) -> String {
        let Some(columns) = columns() else {
            return label;
        };
        let before = self.text.get(..self.underlined.end).unwrap_or_default();
        // Line number, margin, and the blank before the label.
        let used = before.chars().count() + self.place.0.to_string().len() + 4;
        let room = columns.saturating_sub(used);
        let length = label.chars().count();
        if length <= room {
            return label;
        }
        if room < MIN_LABEL {
            return String::new();
        }
        let end = label.chars().skip(length - room + 1);
        ['…'].into_iter().chain(end).collect()
    }

    pub fn snippet<'b>(&'b self, label: &'b str) -> Snippet<'b, annotate_snippets::Annotation<'b>> {
        let annotation = AnnotationKind::Primary
            .span(self.underlined.clone())
            .label(label);
        Snippet::source(&*self.text)
            .path(PLACE)
            .line_start(self.place.0)
            .annotation(annotation)
    }
}

/// The group as text, with the snippets of these lines in it.
pub fn render<'a>(group: Group<'_>, lines: impl IntoIterator<Item = &'a Line<'a>>) -> String {
    let renderer = Renderer::styled().term_width(columns().unwrap_or(DEFAULT_COLUMNS));
    let rendered = renderer.render(&[group]);
    let mut parts = rendered.split(PLACE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (line, part) in lines.into_iter().zip(parts) {
        let (number, column) = line.place;
        // Writing to a String cannot fail.
        let _ = write!(text, "{}:{number}:{column}", line.file);
        text += part.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    }
    text
}

/// The line with `·` and `�` in the place of characters that could forge or hide output, so that byte ranges stay.
fn without_controls(line: &str) -> Cow<'_, str> {
    if !line.contains(|c| is_unprintable(c) && c != '\t') {
        return Cow::Borrowed(line);
    }
    let stand_in = |c: char| match c.len_utf8() {
        _ if !is_unprintable(c) || c == '\t' => c.to_string(),
        2 => "·".to_owned(),
        3 => "�".to_owned(),
        bytes => "?".repeat(bytes),
    };
    Cow::Owned(line.chars().map(stand_in).collect())
}
