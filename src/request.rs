//! One write as the engine takes it, whoever brought it: the API server, a recording, a test.

use serde_json::Value;

use crate::model::{Kind, Operation};

/// A write to be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Echoed in the answer.
    pub uid: String,
    /// `None` for a kind that is not ours.
    pub kind: Option<Kind>,
    /// The kind's API group and name as they were sent.
    pub group: String,
    pub kind_name: String,
    pub operation: Operation,
    /// Empty for the object itself.
    pub subresource: String,
    pub namespace: String,
    /// Empty where the API server has yet to make one.
    pub name: String,
    pub user: String,
    /// Null on DELETE.
    pub object: Value,
    /// Null on CREATE.
    pub old_object: Value,
    pub dry_run: bool,
}

impl Request {
    /// The object that the write is about: the new one, on DELETE the old one.
    pub fn subject(&self) -> &Value {
        match self.operation {
            Operation::Delete => &self.old_object,
            Operation::Create | Operation::Update => &self.object,
        }
    }
}
