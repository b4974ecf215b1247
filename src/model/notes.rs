//! What reading an object notes besides its fields: fields of the wrong type, or which fields are read.

use std::cell::{Cell, RefCell};

use serde_json::Value;

use super::shape::Shape;
use super::value_path::ValuePath;
use crate::field::Path;

/// Malformed fields of an object that are noted, and malformed fields after which a list is not read on.
pub(super) const MAX_MALFORMED: usize = 50;

/// A field whose type is not the one that Istio or Argo declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The field.
    pub path: Path,
    /// The type in the manifest, such as `a string`.
    pub found: &'static str,
    /// The type of the field, such as `a list`.
    pub expected: &'static str,
}

/// What reading an object notes.
#[derive(Debug, Default)]
pub struct Notes {
    /// The first fields of the wrong type, in the order they were read.
    pub malformed: RefCell<Vec<Malformed>>,
    /// The number of all of them.
    pub malformed_count: Cell<usize>,
    /// Set to learn which fields are read: every object then has all fields, and every list one entry.
    pub shape: Option<RefCell<Shape>>,
}

impl Notes {
    pub(super) fn fault(&self, value: &Value, path_to: &ValuePath<'_>, expected: &'static str) {
        if self.shape.is_some() {
            return;
        }
        let count = &self.malformed_count;
        let mut malformed = self.malformed.borrow_mut();
        if malformed.len() == MAX_MALFORMED {
            return count.set(count.get() + 1);
        }
        let fault = Malformed {
            path: path_to.path(),
            found: name_of_type(value),
            expected,
        };
        if !malformed.contains(&fault) {
            malformed.push(fault);
            count.set(count.get() + 1);
        }
    }
}

fn name_of_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
