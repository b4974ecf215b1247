//! Reads JSON without failing: an absent or null field has its default, and a field of the wrong type is noted
//! as [`Malformed`].

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::notes::{MAX_MALFORMED, Notes};
use super::shape::Shape;
use super::value_path::{Step, ValuePath};
use crate::field::Path;

/// Labels, sorted so that findings have a stable order.
pub type Labels = BTreeMap<String, String>;

/// A JSON value and its path.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    value: &'a Value,
    path_to: ValuePath<'a>,
    notes: &'a Notes,
}

/// A number or a string, as Kubernetes' `IntOrString`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntOrString {
    /// A whole number.
    Int(i64),
    /// A string, such as `25%` or `1h`, not parsed.
    String(String),
}

impl<'a> Reader<'a> {
    /// Reads an object from its root.
    pub fn new(value: &'a Value, notes: &'a Notes) -> Self {
        let path_to = ValuePath {
            parent: None,
            step: Step::Root,
        };
        Self {
            value,
            path_to,
            notes,
        }
    }

    /// The field `name`; null if it is absent or this is not an object.
    #[must_use]
    pub fn get(&'a self, name: &'static str) -> Reader<'a> {
        let value = match self.value {
            Value::Object(map) => map.get(name).unwrap_or(&NULL),
            Value::Null => &NULL,
            _ => {
                self.fault("an object");
                &NULL
            }
        };
        let field = self.step(value, Step::Field(name));
        field.learn(|_| {});
        field
    }

    /// The value itself, for a part of another's format.
    pub fn raw(&self) -> &'a Value {
        self.value
    }

    /// Whether the value is not null.
    pub fn present(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether the value is neither null nor `[]`, which istiod's decoder treats as absent.
    pub fn says_something(&self) -> bool {
        self.present() && self.value.as_array().is_none_or(|list| !list.is_empty())
    }

    /// Whether the value is an object. Any other value except null is malformed.
    pub fn object(&self) -> bool {
        match self.value {
            Value::Object(_) => true,
            Value::Null => self.notes.shape.is_some(),
            _ => {
                self.fault("an object");
                false
            }
        }
    }

    /// Whether the value is an object with a field that is not null.
    pub fn has_fields(&self) -> bool {
        self.learn(|shape| shape.is_map = true);
        self.value
            .as_object()
            .is_some_and(|map| map.values().any(|value| !value.is_null()))
    }

    /// Whether the value is an object with a field, which may be null.
    pub fn has_entries(&self) -> bool {
        self.learn(|shape| shape.is_map = true);
        self.value.as_object().is_some_and(|map| !map.is_empty())
    }

    /// A digest of the value, to detect a change; 0 if it is absent.
    pub fn digest(&self) -> u64 {
        self.learn(|shape| shape.is_compared = true);
        if !self.present() {
            return 0;
        }
        let mut hasher = std::hash::DefaultHasher::new();
        self.value.hash(&mut hasher);
        hasher.finish()
    }

    /// The value as `read` reads it, if it is an object.
    pub fn object_as<T>(&'a self, read: impl FnOnce(&'a Reader<'a>) -> T) -> Option<T> {
        self.object().then(|| read(self))
    }

    /// `None` if absent or null, and if it is no string, which is noted.
    pub fn string(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            _ => self.absent("a string"),
        }
    }

    /// A 32-bit number. All numbers of these kinds are.
    pub fn int(&self) -> Option<i64> {
        match self.value {
            Value::Null => None,
            value => value
                .as_i64()
                .or_else(|| whole(value.as_f64()?))
                .filter(|number| i32::try_from(*number).is_ok())
                .or_else(|| self.absent("a 32-bit integer")),
        }
    }

    /// A required port number, as istiod validates a `port` that is set.
    pub fn port(&self) -> Option<i64> {
        let number = self
            .value
            .as_i64()
            .filter(|port| (1..=65535).contains(port));
        number.or_else(|| self.absent("a port from 1 to 65535"))
    }

    /// `false` if absent too.
    pub fn boolean(&self) -> bool {
        match self.value {
            Value::Bool(set) => *set,
            Value::Null => false,
            _ => {
                self.fault("a boolean");
                false
            }
        }
    }

    /// `None` if absent or null, and if it is neither, which is noted.
    pub fn int_or_string(&self) -> Option<IntOrString> {
        match self.value {
            Value::Null => None,
            Value::String(text) => Some(IntOrString::String(text.clone())),
            value => match value.as_i64().or_else(|| whole(value.as_f64()?)) {
                Some(number) => Some(IntOrString::Int(number)),
                None => self.absent("an integer or a string"),
            },
        }
    }

    /// The elements of the list as `read` reads them; `None` if the field is absent, which an empty list is not.
    /// After many malformed fields in it the rest of the list is not read.
    pub fn list<T>(&self, read: impl Fn(&Reader<'_>) -> T) -> Option<Vec<T>> {
        let items = match self.value {
            Value::Array(items) => items.as_slice(),
            Value::Null if self.notes.shape.is_some() => &[NULL],
            Value::Null => return None,
            _ => return self.absent("a list"),
        };
        let count = &self.notes.malformed_count;
        let before = count.get();
        let mut elements = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if count.get() - before > MAX_MALFORMED {
                break;
            }
            let item = self.step(item, Step::Index(index));
            item.learn(|_| {});
            elements.push(read(&item));
        }
        Some(elements)
    }

    /// A list of objects. A null element is malformed, but counts.
    pub fn objects<T>(&self, read: impl Fn(&Reader<'_>) -> T) -> Option<Vec<T>> {
        self.list(|item| {
            if !item.present() {
                item.fault("an object");
            }
            read(item)
        })
    }

    /// A list of strings; `None` if absent. An element of another type is empty.
    pub fn strings(&self) -> Option<Vec<String>> {
        self.list(|item| item.string().unwrap_or_default())
    }

    /// The entries of an object that are strings. Others are not noted as malformed.
    pub fn texts(&self) -> impl Iterator<Item = (String, String)> {
        self.learn(|shape| shape.is_map = true);
        let entries = self.value.as_object().into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
    }

    /// A map of strings; `None` if absent.
    pub fn labels(&self) -> Option<Labels> {
        self.learn(|shape| shape.is_map = true);
        match self.value {
            Value::Object(map) => Some(
                map.iter()
                    .filter_map(|(key, value)| {
                        let entry = self.step(value, Step::Entry(key));
                        Some((key.clone(), entry.string()?))
                    })
                    .collect(),
            ),
            Value::Null => None,
            _ => self.absent("an object"),
        }
    }

    /// The place of the value in the object.
    pub fn path(&self) -> Path {
        self.path_to.path()
    }

    fn step<'b>(&'b self, value: &'b Value, step: Step<'b>) -> Reader<'b> {
        let path_to = ValuePath {
            parent: Some(&self.path_to),
            step,
        };
        Reader {
            value,
            path_to,
            notes: self.notes,
        }
    }

    fn learn(&self, note: impl FnOnce(&mut Shape)) {
        if let Some(shape) = &self.notes.shape {
            note(shape.borrow_mut().at(&self.path_to));
        }
    }

    fn absent<T>(&self, expected: &'static str) -> Option<T> {
        self.fault(expected);
        None
    }

    fn fault(&self, expected: &'static str) {
        self.notes.fault(self.value, &self.path_to, expected);
    }
}

/// The integer that a float equals: Go's decoder reads `5.0` as 5.
fn whole(number: f64) -> Option<i64> {
    let in_range = number.fract() == 0.0 && number.abs() < 9e15;
    #[allow(clippy::cast_possible_truncation)] // whole and in range, as just asked
    in_range.then_some(number as i64)
}

const NULL: Value = Value::Null;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_is_noted_with_its_path_and_reads_as_absent() {
        let value = json!({"spec": {"http": [{"name": 5}, null], "hosts": "a"}});
        let notes = Notes::default();
        let root = Reader::new(&value, &notes);
        let spec = root.get("spec");
        let names = spec.get("http").objects(|route| route.get("name").string());
        assert_eq!(names, Some(vec![None, None]));
        assert_eq!(spec.get("hosts").strings(), None);
        let malformed = notes.malformed.take();
        let paths: Vec<String> = malformed.iter().map(|f| f.path.to_string()).collect();
        assert_eq!(paths, ["spec.http[0].name", "spec.http[1]", "spec.hosts"]);
    }
}
