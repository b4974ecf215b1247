//! Finds a field path in a document.

use super::node::{Content, Node, Span};
use crate::field::{Path, Segment};

/// What a path led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// What [`Node::locate`] underlines; of the nearest parent if a part of the path is absent.
    pub span: Span,
    /// Whether the document has the whole path.
    pub exact: bool,
}

impl Node {
    /// The span of the value at `path`: a scalar's own, else that of its key, so that what is underlined fits on
    /// a line. If a part of the path is absent, the span of the nearest parent.
    pub fn locate(&self, path: &Path) -> Located {
        let mut node = self;
        let mut span = head(self, None);
        for segment in path.segments() {
            let next = match segment {
                Segment::Field(name) => node.entry(name),
                Segment::Entry(name) | Segment::Unknown(name) => node.entry(name),
                Segment::Index(index) => {
                    let Some(item) = node.at(*index) else {
                        return Located { span, exact: false };
                    };
                    node = item;
                    span = head(item, None);
                    continue;
                }
            };
            let Some((key, value)) = next else {
                return Located { span, exact: false };
            };
            node = value;
            span = head(value, Some(key.span));
        }
        Located { span, exact: true }
    }

    /// The node at a path, if the document has the whole path.
    pub fn find(&self, path: &Path) -> Option<&Node> {
        let mut node = self;
        for segment in path.segments() {
            node = match segment {
                Segment::Field(name) => node.get(name)?,
                Segment::Entry(name) | Segment::Unknown(name) => node.get(name)?,
                Segment::Index(index) => node.at(*index)?,
            };
        }
        Some(node)
    }
}

/// The span that stands for a node on one line: a scalar's own, else its key's, else that of its first key or
/// element.
fn head(node: &Node, key: Option<Span>) -> Span {
    match (&node.content, key) {
        (Content::Sequence(_) | Content::Mapping(_) | Content::Null, Some(key)) => key,
        (Content::Mapping(entries), None) => match entries.first() {
            Some((key, _)) => key.span,
            None => node.span,
        },
        (Content::Sequence(items), None) => match items.first() {
            Some(first) => head(first, None),
            None => node.span,
        },
        _ => node.span,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, parse};
    use super::*;

    #[test]
    fn finds_scalars_keys_and_the_nearest_parent() {
        let text = "spec:\n  http:\n  - name: a\n    route: []\n  - name: b\n";
        let documents = parse(text, Limits::default()).unwrap();
        let at = |path: &Path| {
            let located = documents[0].locate(path);
            let start = located.span.start;
            (start.line, start.column, located.exact)
        };
        let http = Path::spec(["http"]);
        assert_eq!(at(&http), (2, 3, true));
        assert_eq!(at(&http.index(1).field("name")), (5, 11, true));
        assert_eq!(at(&http.index(1).field("route")), (5, 5, false));
        assert_eq!(at(&http.index(7)), (2, 3, false));
    }
}
