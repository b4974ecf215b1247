//! Markdown as a terminal shows it: what the documentation of rules uses, with styles in place of its marks.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::text::wrap;

const HEADING: Style = Style::new().bold().underline();
const SUBHEADING: Style = Style::new().bold();
const STRONG: Style = Style::new().bold();
const CODE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

const BULLET: &str = "• ";

/// The text with escape sequences, in lines of this many columns. `anstream` removes the sequences where they are not
/// wanted.
pub fn styled(markdown: &str, columns: usize) -> String {
    let mut styled = String::new();
    let mut block = String::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if in_code || begins_a_block(line) {
            push(&mut styled, &std::mem::take(&mut block), columns);
        }
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            // Writing to a String cannot fail.
            let _ = writeln!(styled, "    {CODE}{line}{CODE:#}");
        } else if line.is_empty() {
            styled.push('\n');
        } else if line.starts_with('#') {
            push(&mut styled, line, columns);
        } else {
            block += if block.is_empty() { "" } else { " " };
            block += if block.is_empty() {
                line
            } else {
                line.trim_start()
            };
        }
    }
    push(&mut styled, &block, columns);
    styled
}

/// Other lines go on with what stands before them.
fn begins_a_block(line: &str) -> bool {
    let text = line.trim_start();
    let marks = ["#", "- ", "* ", "|", "```"];
    text.is_empty() || marks.iter().any(|mark| text.starts_with(mark))
}

/// Adds a heading, a paragraph or an item of a list.
fn push(styled: &mut String, block: &str, columns: usize) {
    if block.is_empty() {
        return;
    }
    let text = prose(block.trim_start());
    let mut indent = block.len() - block.trim_start().len();
    let is_item = text.starts_with(BULLET);
    for (index, line) in wrap(&text, columns.saturating_sub(indent + 2))
        .iter()
        .enumerate()
    {
        indent += if index == 1 && is_item { 2 } else { 0 };
        let _ = writeln!(styled, "{:indent$}{line}", "");
    }
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
    match line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        Some(item) => format!("{BULLET}{}", inline(item)),
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
