//! What all parts of a tree are built from.

use super::details::Details;
use super::node::Node;
use crate::cluster::View;
use crate::model::Key;

/// A view, and the whole objects as far as they are known.
pub(super) struct Builder<'a> {
    pub view: View<'a>,
    pub details: &'a Details,
}

impl Builder<'_> {
    /// Who owns a list of the object, as a fact.
    pub fn owners(&self, node: &mut Node, key: &Key, field: &'static str) {
        let owners = self.details.owners(key, &["spec", field]);
        if !owners.is_empty() {
            node.fact("owners", format!("of {field}: {owners}"));
        }
    }
}
