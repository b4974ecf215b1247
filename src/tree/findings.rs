//! Puts each finding at the node that shows its field.

use std::collections::BTreeSet;

use super::node::Node;
use crate::cluster::Cluster;
use crate::decide::audit;
use crate::model::Key;
use crate::settings::Settings;
use crate::verdict::Finding;

/// Judges all objects that the tree shows, and attaches what is found.
pub(super) fn attach(root: &mut Node, cluster: &Cluster, settings: &Settings) {
    let keys: BTreeSet<Key> = root.keys().into_iter().cloned().collect();
    for finding in audit(cluster, &keys, settings) {
        if let Some(node) = nearest(root, &finding) {
            node.findings.push(finding);
        }
    }
}

/// The node with the longest path that contains the finding's field; of several the first.
fn nearest<'n>(root: &'n mut Node, finding: &Finding) -> Option<&'n mut Node> {
    let best = depth(root, finding)?;
    find(root, finding, best)
}

fn find<'n>(node: &'n mut Node, finding: &Finding, best: usize) -> Option<&'n mut Node> {
    if own_depth(node, finding) == Some(best) {
        return Some(node);
    }
    let mut children = node.children.iter_mut();
    children.find_map(|child| find(child, finding, best))
}

fn depth(node: &Node, finding: &Finding) -> Option<usize> {
    let below = node
        .children
        .iter()
        .map(|child| depth(child, finding))
        .max();
    own_depth(node, finding).max(below.flatten())
}

/// The length of its path, if that contains the finding's field.
fn own_depth(node: &Node, finding: &Finding) -> Option<usize> {
    let place = node.place.as_ref()?;
    let contains = place.key == finding.object && finding.path.starts_with(&place.path);
    contains.then(|| place.path.segments().len())
}
