//! What a mutation is, a pure function on a write, and `mutation!`, which declares one.

use super::input::Input;
use super::patch::Patch;
use crate::model::Kind;

/// One mutation.
#[derive(Clone, Copy)]
pub struct Mutation {
    /// `hash-selectors`; what the `allow` annotation names.
    pub name: &'static str,
    /// The kinds of objects it is for.
    pub kinds: &'static [Kind],
    /// Whose writes it changes.
    pub writer: Writer,
    /// Adds to the patch what it changes.
    pub apply: fn(&Input<'_>, &mut Patch),
    /// The `//!` lines of its file, in Markdown.
    pub documentation: &'static str,
}

/// Whose writes a mutation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Anybody but the Rollouts controller.
    User,
    /// The Rollouts controller.
    Controller,
}

/// Declares `MUTATION` for the file that it is in: the kinds that it applies to with the function, and whose writes
/// it changes, by default those of users. Name and documentation are the file's.
macro_rules! mutation {
    ($kind:ident($apply:ident)) => {
        mutation!(User: $kind($apply));
    };
    ($writer:ident: $($kind:ident),+ ($apply:ident)) => {
        /// This mutation's entry in the list.
        pub const MUTATION: $crate::mutations::mutation::Mutation = {
            let page = $crate::documentation::page(module_path!());
            $crate::mutations::mutation::Mutation {
                name: page.name,
                kinds: &[$($crate::model::Kind::$kind),+],
                writer: $crate::mutations::mutation::Writer::$writer,
                apply: $apply,
                documentation: page.text,
            }
        };
    };
}
