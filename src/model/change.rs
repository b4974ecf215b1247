//! One write of one object.

use super::{Key, Object};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// A write: what was there and what will be.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub operation: Operation,
    pub key: &'a Key,
    /// `None` on CREATE.
    pub old: Option<&'a Object>,
    /// `None` on DELETE.
    pub new: Option<&'a Object>,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
        }
    }
}
