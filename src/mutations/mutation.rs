//! What a mutation is, a pure function on a write, and `mutation!`, which declares one.

use super::input::Input;
use super::patch::Patch;
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
    /// The `//!` lines of its file, in Markdown.
    pub documentation: &'static str,
}

/// Declares `MUTATION` for the file that it is in: the kind that it applies to with the function. Name and
/// documentation are the file's.
macro_rules! mutation {
    ($kind:ident($apply:ident)) => {
        /// This mutation's entry in the list.
        pub const MUTATION: $crate::mutations::mutation::Mutation = {
            let page = $crate::documentation::page(module_path!());
            $crate::mutations::mutation::Mutation {
                name: page.name,
                kind: $crate::model::Kind::$kind,
                apply: $apply,
                documentation: page.text,
            }
        };
    };
}
