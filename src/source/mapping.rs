//! The entries of a mapping: merge keys are resolved, and of a key that stands twice the last counts, as for kubectl.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::node::{Content, KeyNode, Node};

const MERGE: &str = "<<";

/// The entries that count. The keys that stand twice are added to `repeated_keys`.
pub(super) fn entries(
    written: Vec<(KeyNode, Node)>,
    repeated_keys: &mut Vec<KeyNode>,
) -> Arc<[(KeyNode, Node)]> {
    let (merged, own): (Vec<_>, Vec<_>) =
        written.into_iter().partition(|(key, _)| key.text == MERGE);
    let own = last_of_each(own, repeated_keys);
    if merged.is_empty() {
        return own.into();
    }
    merge(own, merged).into()
}

fn last_of_each(
    entries: Vec<(KeyNode, Node)>,
    repeated_keys: &mut Vec<KeyNode>,
) -> Vec<(KeyNode, Node)> {
    let mut last: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    for (index, (key, _)) in entries.iter().enumerate() {
        if last.insert(&key.text, index).is_some() {
            repeated_keys.push(key.clone());
        }
    }
    if last.len() == entries.len() {
        return entries;
    }
    let counts: HashSet<usize> = last.into_values().collect();
    let entries = entries.into_iter().enumerate();
    let counting = entries.filter(|(index, _)| counts.contains(index));
    counting.map(|(_, entry)| entry).collect()
}

/// Adds the entries of `<<` whose keys the mapping does not have itself.
fn merge(mut own: Vec<(KeyNode, Node)>, merged: Vec<(KeyNode, Node)>) -> Vec<(KeyNode, Node)> {
    let mut known: HashSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
    let sources = merged.into_iter().flat_map(|(_, node)| match node.content {
        Content::Sequence(items) => items.to_vec(),
        _ => vec![node],
    });
    for source in sources {
        if let Content::Mapping(entries) = source.content {
            let new = entries
                .iter()
                .filter(|(key, _)| known.insert(key.text.clone()));
            own.extend(new.cloned());
        }
    }
    own
}
