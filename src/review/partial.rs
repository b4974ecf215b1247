//! Parses of an object only what rules read: whatever else it holds is skipped, at any depth.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::scalars::json_scalars;
use crate::model::{Kind, Object, Shape, UNREAD};

/// Entries of lists and maps that are read of one object. There are more in no object that people write, and none
/// that Istio or the controller would bear.
const MAX_ENTRIES: usize = 12_000;
/// Texts and numbers in lists, such as hosts, are cheaper.
const SCALARS_PER_ENTRY: usize = 4;
const MAX_MANAGED_FIELDS_BYTES: usize = 256 << 10;

/// The parts of the object that are read, and under [`UNREAD`] how many entries are not.
pub(super) fn value(text: &RawValue, kind: Kind) -> Value {
    let shape = Object::shape(kind);
    let entries = Entries::default();
    let seed = Partial {
        shape: &shape,
        entries: &entries,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text.get());
    let mut value = seed.deserialize(&mut deserializer).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert(UNREAD.to_owned(), entries.unread.get().into());
    }
    value
}

#[derive(Default)]
struct Entries {
    /// In units of scalars.
    read: Cell<usize>,
    unread: Cell<usize>,
}

impl Entries {
    /// Whether one more is read.
    fn next(&self, cost: usize) -> bool {
        let read = self.read.get() + cost;
        let is_read = read <= MAX_ENTRIES * SCALARS_PER_ENTRY;
        if is_read {
            self.read.set(read);
        } else {
            self.unread.set(self.unread.get() + 1);
        }
        is_read
    }
}

/// The part of a value of a shape.
#[derive(Clone, Copy)]
struct Partial<'a> {
    shape: &'a Shape,
    entries: &'a Entries,
}

impl<'a> Partial<'a> {
    fn of(self, shape: &'a Shape) -> Self {
        Self { shape, ..self }
    }

    /// The value of a field that is not in the shape, if it counts.
    fn other_field<'de, A: MapAccess<'de>>(
        self,
        name: &str,
        fields: &mut A,
    ) -> Result<Option<Value>, A::Error> {
        if name == "managedFields" {
            let text = fields.next_value::<&RawValue>()?.get();
            let short = text.len() <= MAX_MANAGED_FIELDS_BYTES;
            return Ok(short.then(|| serde_json::from_str(text).unwrap_or_default()));
        }
        if self.shape.is_map && self.entries.next(1) {
            let scalar = Shape::default();
            return fields.next_value_seed(self.of(&scalar)).map(Some);
        }
        fields.next_value::<IgnoredAny>()?;
        Ok(None)
    }

    /// A value of which any change counts: with a digest of all of it.
    fn compared<E: Error>(self, text: &str) -> Result<Value, E> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = deserializer.deserialize_any(self).map_err(E::custom)?;
        Ok(match value {
            Value::Object(mut fields) => {
                fields.insert(UNREAD.to_owned(), hasher.finish().into());
                fields.into()
            }
            value => value,
        })
    }
}

/// An entry of a list; one that is not read has no value.
#[derive(Clone, Copy)]
struct Item<'a> {
    shape: Option<&'a Shape>,
    entries: &'a Entries,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let entries = self.entries;
        let read = self.shape.filter(|shape| {
            let scalar = **shape == Shape::default();
            entries.next(if scalar { 1 } else { SCALARS_PER_ENTRY })
        });
        let Some(shape) = read else {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(None);
        };
        Partial { shape, entries }
            .deserialize(deserializer)
            .map(Some)
    }
}

impl<'de> DeserializeSeed<'de> for Partial<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.shape.is_compared {
            let text = <&RawValue>::deserialize(deserializer)?;
            return self.compared(text.get());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Partial<'_> {
    type Value = Value;

    json_scalars!();

    /// Of a list where none is expected only the type counts, and whether it is empty.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let item = Item {
            shape: self.shape.items.as_deref(),
            entries: self.entries,
        };
        while let Some(read) = list.next_element_seed(item)? {
            items.extend(read);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = match self.shape.fields.get(name.as_str()) {
                Some(shape) => Some(fields.next_value_seed(self.of(shape))?),
                None => self.other_field(&name, &mut fields)?,
            };
            if let Some(value) = value {
                map.insert(name, value);
            }
        }
        Ok(map.into())
    }
}
