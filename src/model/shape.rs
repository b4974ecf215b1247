//! Which fields of a kind the model reads, as the readers themselves ask for them.

use std::collections::BTreeMap;

use super::value_path::{Step, ValuePath};

/// The fields that are read of a value. A scalar has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The fields that are read of an object.
    pub fields: BTreeMap<&'static str, Shape>,
    /// The entries of a list.
    pub items: Option<Box<Shape>>,
    /// An object whose keys the user chooses, such as labels: all of them are read.
    pub is_map: bool,
    /// Any change of the value counts, also of what is not read.
    pub is_compared: bool,
}

impl Shape {
    /// The shape of the value at the path, which is read from now on.
    pub(super) fn at(&mut self, path_to: &ValuePath<'_>) -> &mut Shape {
        let Some(parent) = path_to.parent else {
            return self;
        };
        let outer = self.at(parent);
        match path_to.step {
            Step::Root | Step::Entry(_) => outer,
            Step::Field(name) => outer.fields.entry(name).or_default(),
            Step::Index(_) => outer.items.get_or_insert_default(),
        }
    }
}
