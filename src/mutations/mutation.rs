//! What a mutation is: a pure function on a write, typed by nothing but its kind.

use super::{Input, Patch};
use crate::model::Kind;

/// One mutation.
#[derive(Clone, Copy)]
pub struct Mutation {
    /// `hash-selectors`; what the `allow` annotation names.
    pub name: &'static str,
    /// The kind of object it is for.
    pub kind: Kind,
    /// Adds to the patch what it changes.
    pub apply: fn(&Input<'_>, &mut Patch),
    /// The text of its file, for the documentation at its top.
    pub source: &'static str,
}

impl Mutation {
    /// The documentation: the `//!` lines of its file, in Markdown.
    pub fn documentation(&self) -> String {
        let lines = self.source.lines();
        let docs = lines.map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<&str> = docs.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
        lines.join("\n")
    }
}

/// Declares `MUTATION` for the file it stands in.
macro_rules! mutation {
    ($name:literal on $kind:ident, $file:literal) => {
        /// This mutation's entry in the list.
        pub const MUTATION: $crate::mutations::Mutation = $crate::mutations::Mutation {
            name: $name,
            kind: $crate::model::Kind::$kind,
            apply,
            source: include_str!($file),
        };
    };
}
