//! Markdown as a terminal shows it: what the documentation of rules uses, with styles in place of its marks.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

const HEADING: Style = Style::new().bold().underline();
const SUBHEADING: Style = Style::new().bold();
const STRONG: Style = Style::new().bold();
const CODE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

/// The text with escape sequences; `anstream` removes them where they are not wanted.
pub fn styled(markdown: &str) -> String {
    let mut styled = String::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        // Writing to a String cannot fail.
        let _ = if in_code {
            write!(styled, "    {CODE}{line}{CODE:#}")
        } else {
            write!(styled, "{}", prose(line))
        };
        styled.push('\n');
    }
    styled
}

fn prose(line: &str) -> String {
    if let Some(title) = line.strip_prefix("# ") {
        return format!("{HEADING}{title}{HEADING:#}");
    }
    if let Some(title) = line.trim_start_matches('#').strip_prefix(' ')
        && line.starts_with('#')
    {
        return format!("{SUBHEADING}{title}{SUBHEADING:#}");
    }
    let text = line.trim_start();
    let indent = line.get(..line.len() - text.len()).unwrap_or_default();
    match text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        Some(item) => format!("{indent}• {}", inline(item)),
        None => inline(line),
    }
}

/// `code` and **bold** of one line; a mark that nothing closes stays.
fn inline(line: &str) -> String {
    let mut styled = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        styled += before;
        let mark = if marked.starts_with("**") { "**" } else { "`" };
        let inside = marked.strip_prefix(mark);
        let Some((inside, after)) = inside.and_then(|inside| inside.split_once(mark)) else {
            // The mark is one byte.
            let (mark, after) = marked.split_at(1);
            styled += mark;
            rest = after;
            continue;
        };
        let style = if mark == "`" { CODE } else { STRONG };
        let _ = write!(styled, "{style}{inside}{style:#}");
        rest = after;
    }
    styled + rest
}
