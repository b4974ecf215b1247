//! Where a field path stands in a document.

use super::{Node, Span};
use crate::field::{Path, Segment};

/// What a path led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The key and value, or the value alone in a list; of the nearest parent where the path ends
    /// early.
    pub span: Span,
    /// Whether the whole path is there.
    pub exact: bool,
}

impl Node {
    /// Where the value at `path` stands: a scalar's own span, else the key that holds it, so that
    /// what is underlined fits on a line. The nearest parent for a path that ends early.
    pub fn locate(&self, path: &Path) -> Located {
        let mut node = self;
        let mut span = head(self, None);
        for segment in path.segments() {
            let next = match segment {
                Segment::Field(name) => node.entry(name),
                Segment::Entry(name) => node.entry(name),
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

    /// The node at a path, if all of it is there.
    pub fn find(&self, path: &Path) -> Option<&Node> {
        let mut node = self;
        for segment in path.segments() {
            node = match segment {
                Segment::Field(name) => node.get(name)?,
                Segment::Entry(name) => node.get(name)?,
                Segment::Index(index) => node.at(*index)?,
            };
        }
        Some(node)
    }
}

/// What stands for a node on one line: a scalar itself, else its key, else its first key or element.
fn head(node: &Node, key: Option<Span>) -> Span {
    use super::Content;
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
