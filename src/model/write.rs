//! One write of one object, as rules and mutations read it.

use super::key::Key;
use super::object::Object;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// A write: the stored object and the new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub operation: Operation,
    pub key: Key,
    /// `None` on CREATE.
    pub old: Option<Object>,
    /// `None` on DELETE.
    pub new: Option<Object>,
}

impl Write {
    /// The object that the write is about: the new one, on DELETE the old one.
    pub fn object(&self) -> Option<&Object> {
        self.new.as_ref().or(self.old.as_ref())
    }
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
