//! YAML and JSON text with positions: the line, column and byte range of every key and value.
//! It knows no kind. `check` looks up field paths in it, `fix` edits by its ranges.

pub mod edit;
mod error;
mod load;
mod locate;
mod mapping;
mod node;
mod placeholder;
mod scalar;

#[cfg(test)]
#[path = "../../tests/unit/source/edit.rs"]
mod edit_tests;
#[cfg(test)]
#[path = "../../tests/unit/source/load.rs"]
mod load_tests;

pub use error::Error;
pub use load::{Limits, Parsed, parse, parse_each, parse_leniently};
pub use locate::Located;
pub use node::{Content, KeyNode, Node, Position, Span};
pub use placeholder::placeholder;
