//! Puts each finding at the node that shows its field.

use std::collections::{BTreeSet, HashMap};

use super::node::Node;
use crate::cluster::Cluster;
use crate::decide::audit;
use crate::field::Segment;
use crate::model::Key;
use crate::settings::Settings;
use crate::verdict::Finding;

/// Judges all objects that the trees show, each once, and attaches what is found.
pub(super) fn attach(roots: &mut [Node], cluster: &Cluster, settings: &Settings) {
    let keys: BTreeSet<&Key> = roots.iter().flat_map(Node::keys).collect();
    let mut found: HashMap<Key, Vec<Finding>> = HashMap::new();
    for finding in audit(cluster, keys, settings) {
        found
            .entry(finding.object.clone())
            .or_default()
            .push(finding);
    }
    for root in roots {
        let shown: BTreeSet<&Key> = root.keys().into_iter().collect();
        let places = Places::of(root);
        let mut of_nodes: HashMap<usize, Vec<Finding>> = HashMap::new();
        for finding in shown.into_iter().filter_map(|key| found.get(key)).flatten() {
            if let Some(number) = places.nearest(finding) {
                of_nodes.entry(number).or_default().push(finding.clone());
            }
        }
        put(root, &mut 0, &mut of_nodes);
    }
}

/// The first node of a tree that shows a field, by its number in the order of the tree.
#[derive(Default)]
struct Places<'a> {
    numbers: HashMap<(&'a Key, &'a [Segment]), usize>,
    count: usize,
}

impl<'a> Places<'a> {
    fn of(root: &'a Node) -> Self {
        let mut places = Self::default();
        places.add(root);
        places
    }

    fn add(&mut self, node: &'a Node) {
        if let Some(place) = &node.place {
            let place = (&place.key, place.path.segments());
            self.numbers.entry(place).or_insert(self.count);
        }
        self.count += 1;
        for child in &node.children {
            self.add(child);
        }
    }

    /// The node with the longest path that contains the finding's field; of several the first.
    fn nearest(&self, finding: &Finding) -> Option<usize> {
        let segments = finding.path.segments();
        let mut lengths = (0..=segments.len()).rev();
        lengths.find_map(|length| {
            let place = (&finding.object, segments.get(..length)?);
            self.numbers.get(&place).copied()
        })
    }
}

/// Gives each node what was found for its number.
fn put(node: &mut Node, number: &mut usize, of_nodes: &mut HashMap<usize, Vec<Finding>>) {
    node.findings
        .extend(of_nodes.remove(number).unwrap_or_default());
    *number += 1;
    for child in &mut node.children {
        put(child, number, of_nodes);
    }
}
