//! YAML and JSON text with positions: the line, column and byte range of every key and value.
//! It knows no kind. `check` looks up field paths in it, `fix` edits by its ranges.

pub mod edit;
mod error;
mod load;
mod locate;
mod node;
mod scalar;

pub use error::Error;
pub use load::{Limits, parse};
pub use locate::Located;
pub use node::{Content, KeyNode, Node, Position, Span};
