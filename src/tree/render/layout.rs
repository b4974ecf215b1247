//! Where the boxes of a picture stand: a column for each depth, a row for each leaf, a parent beside the middle of its
//! children.

use crate::tree::node::Node;

/// A node and its place.
pub(super) struct Placed<'a> {
    pub node: &'a Node,
    /// Index of the parent in the list.
    pub parent: Option<usize>,
    pub depth: usize,
    /// In lines of text from the top to the middle.
    pub middle: f64,
}

/// All nodes in the order of the text form. `height` is the height of a node's box in lines.
pub(super) fn layout(nodes: &[Node], height: fn(&Node) -> f64) -> Vec<Placed<'_>> {
    let mut placed = Vec::new();
    let mut next = 0.0;
    for node in nodes {
        place(node, None, 0, height, &mut next, &mut placed);
        next += GAP_BETWEEN_TREES;
    }
    placed
}

/// Places the node and what is below it from the line `next` on; returns its middle.
fn place<'a>(
    node: &'a Node,
    parent: Option<usize>,
    depth: usize,
    height: fn(&Node) -> f64,
    next: &mut f64,
    placed: &mut Vec<Placed<'a>>,
) -> f64 {
    let index = placed.len();
    placed.push(Placed {
        node,
        parent,
        depth,
        middle: 0.0,
    });
    let (top, own) = (*next, height(node) + GAP);
    let children = node.children.iter();
    let middles: Vec<f64> = children
        .map(|child| place(child, Some(index), depth + 1, height, next, placed))
        .collect();
    let middle = match (middles.first(), middles.last()) {
        (Some(first), Some(last)) => f64::midpoint(*first, *last),
        _ => top + own / 2.0,
    };
    // A box that is higher than its children together.
    let middle = middle.max(top + own / 2.0);
    *next = next.max(middle + own / 2.0);
    if let Some(placed) = placed.get_mut(index) {
        placed.middle = middle;
    }
    middle
}

const GAP: f64 = 0.6;
const GAP_BETWEEN_TREES: f64 = 1.5;
