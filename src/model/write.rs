//! One write of one object, as rules and mutations read it.

use super::key::Key;
use super::object::Object;

/// What a write does with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It did not exist.
    Create,
    /// It is replaced, by a patch or an apply too.
    Update,
    /// It ceases to exist, or gets a deletionTimestamp.
    Delete,
}

/// A write: the stored object and the new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which of the objects there are.
    pub operation: Operation,
    /// Of both objects.
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
    /// As the API server writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
        }
    }
}
