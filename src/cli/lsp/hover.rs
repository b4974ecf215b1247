//! Hover: the documentation of the rule whose finding is there; at any other field of an object, the rules whose
//! documentation names it.

use std::path::Path;

use gen_lsp_types::{Hover, MarkupContent, MarkupKind, Position, Range};

use super::judged::Found;
use super::position::{Lines, contains};
use super::workspace::Workspace;
use crate::cli::explain::of_one;
use crate::model::Kind;
use crate::rules::{self, CATALOGUE, Rule};
use crate::source::{Content, Limits, Node, Span, parse_leniently};

/// What is shown at this position of the file.
pub fn hover(
    path: &Path,
    position: Position,
    found: &[Found],
    workspace: &Workspace,
) -> Option<Hover> {
    let (text, range) = documentation(path, position, found)
        .or_else(|| rules_of_field(path, position, workspace))?;
    let content = MarkupContent {
        kind: MarkupKind::Markdown,
        value: text,
    };
    Some(Hover {
        contents: content.into(),
        range: Some(range),
    })
}

/// The documentation of the rules with a finding here: on its own field, or on one that it depends on.
fn documentation(path: &Path, position: Position, found: &[Found]) -> Option<(String, Range)> {
    let place = |found: &Found| {
        let own = (found.path.as_path(), found.diagnostic.range);
        let related = found.related.iter();
        let related = related.map(|(path, range)| (path.as_path(), *range));
        let mut places = std::iter::once(own).chain(related);
        let here = places.find(|(file, range)| *file == path && contains(range, position));
        here.map(|(_, range)| range)
    };
    let here = found.iter().filter_map(|found| {
        let finding = found.finding.as_ref()?;
        Some((rules::find(finding.rule.code)?, place(found)?))
    });
    let mut here: Vec<(&Rule, Range)> = here.collect();
    let (_, range) = *here.first()?;
    here.dedup_by_key(|(rule, _)| rule.id.code);
    let pages: Vec<String> = here.into_iter().map(|(rule, _)| of_one(rule)).collect();
    Some((pages.join("\n---\n\n"), range))
}

fn rules_of_field(
    path: &Path,
    position: Position,
    workspace: &Workspace,
) -> Option<(String, Range)> {
    let mut files = workspace.manifests.files.iter();
    let file = files.find(|file| file.path == path && !workspace.is_broken(path))?;
    let lines = Lines::of(&file.text);
    let byte = lines.byte(position);
    let documents = parse_leniently(&file.text, Limits::default()).ok()?;
    let mut documents = documents.documents.iter();
    let (kind, name, span) = documents.find_map(|node| field_at(node, byte, None))?;
    let rules = CATALOGUE.iter();
    let rules = rules.filter(|rule| reads(rule, kind) && names(rule, name));
    let rows = rules.map(|rule| format!("- **{}**: {}\n", rule.id, rule.summary()));
    let rows: String = rows.collect();
    let text = format!("Rules about `{name}` of a {}:\n\n{rows}", kind.as_str());
    (!rows.is_empty()).then(|| (text, lines.range(span)))
}

/// The innermost field whose key, or whose value on the same line, is at this byte; with the kind of its object.
fn field_at(node: &Node, byte: usize, kind: Option<Kind>) -> Option<(Kind, &str, Span)> {
    let text = |field| node.get(field).and_then(Node::as_str);
    let own = text("apiVersion").zip(text("kind"));
    let kind = own
        .and_then(|(version, kind)| Kind::of(version, kind))
        .or(kind);
    match &node.content {
        Content::Sequence(items) => items.iter().find_map(|item| field_at(item, byte, kind)),
        Content::Mapping(entries) => entries.iter().find_map(|(key, value)| {
            let inner = field_at(value, byte, kind);
            inner.or_else(|| {
                let is_scalar =
                    !matches!(value.content, Content::Sequence(_) | Content::Mapping(_));
                let at_value = is_scalar && covers(value.span, byte);
                let is_here = covers(key.span, byte) || at_value;
                is_here.then_some((kind?, key.text.as_str(), key.span))
            })
        }),
        _ => None,
    }
}

fn covers(span: Span, byte: usize) -> bool {
    span.start.byte <= byte && byte <= span.end.byte
}

fn reads(rule: &Rule, kind: Kind) -> bool {
    rule.reads.contains(&kind) || rule.applies_to().any(|other| other == kind)
}

/// Whether the documentation before the example names the field, as `field` or as the last part of `a.field`.
fn names(rule: &Rule, field: &str) -> bool {
    let text = rule.documentation.split("\n## Example").next();
    let code = text.unwrap_or_default().split('`').skip(1).step_by(2);
    let mut words = code.map(|code| code.split([':', '[', ' ']).next().unwrap_or_default());
    words.any(|word| word.rsplit('.').next() == Some(field))
}
