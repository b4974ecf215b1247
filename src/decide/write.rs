//! The objects of a request, as the rules read them.

use serde_json::Value;

use crate::model::{Change, Key, Object, Operation};
use crate::request::Request;

pub(super) struct Write {
    key: Key,
    operation: Operation,
    old: Option<Object>,
    new: Option<Object>,
}

impl Write {
    /// `None` for a kind that is not ours, and for a request without an object.
    pub fn of(request: &Request) -> Option<Self> {
        let kind = request.kind?;
        let parse = |value: &Value| {
            let present = !value.is_null();
            present.then(|| Object::parse_as(kind, value, &request.namespace))
        };
        let old = parse(&request.old_object);
        let new = parse(&request.object).filter(|_| request.operation != Operation::Delete);
        let key = new.as_ref().or(old.as_ref())?.key().clone();
        Some(Self {
            key,
            operation: request.operation,
            old,
            new,
        })
    }

    pub fn change(&self) -> Change<'_> {
        Change {
            operation: self.operation,
            key: &self.key,
            old: self.old.as_ref(),
            new: self.new.as_ref(),
        }
    }
}
