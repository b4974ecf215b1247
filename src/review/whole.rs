//! Parses an object as a whole, unless it would cost many times its bytes or is very deep.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::scalars::json_scalars;

/// Times the bytes of the text: objects with few and short fields cost much more than their text.
const MAX_COST: usize = 32;
const MAX_COST_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 64;

/// What values cost in memory, in bytes: each, and an object for every few fields.
const VALUE_COST: usize = size_of::<Value>();
const FIELDS_COST: usize = 640;
const FIELDS: usize = 6;

/// What values cost in time, which each rule spends on them: an object in a list, another entry of a list, a field.
const MAX_WORK: usize = 12_000 * OBJECT_WORK;
const OBJECT_WORK: usize = 16;
const ENTRY_WORK: usize = 4;
const FIELD_WORK: usize = 1;

/// The object; `None` if it costs or nests too much, or holds too much.
pub(super) fn value(text: &RawValue) -> Option<Value> {
    let cost = text.get().len() * MAX_COST + FIELDS_COST;
    let left = Cell::new(cost.min(MAX_COST_BYTES));
    let work = Cell::new(MAX_WORK);
    let seed = Whole {
        left: &left,
        work: &work,
        in_list: false,
        depth: 0,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text.get());
    seed.deserialize(&mut deserializer).ok()
}

#[derive(Clone, Copy)]
struct Whole<'a> {
    /// What may still be spent.
    left: &'a Cell<usize>,
    work: &'a Cell<usize>,
    in_list: bool,
    depth: usize,
}

impl Whole<'_> {
    fn spend<E: Error>(left: &Cell<usize>, cost: usize) -> Result<(), E> {
        let rest = left.get().checked_sub(cost);
        left.set(rest.ok_or_else(|| E::custom("too large"))?);
        Ok(())
    }

    fn inside<E: Error>(self, in_list: bool) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Self {
            in_list,
            depth,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.in_list {
            Self::spend(self.work, ENTRY_WORK)?;
        }
        Self::spend(self.left, VALUE_COST)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Value;

    json_scalars!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.inside(true)?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inside = self.inside(false)?;
        if self.in_list {
            Self::spend(self.work, OBJECT_WORK - ENTRY_WORK)?;
        }
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if map.len().is_multiple_of(FIELDS) {
                Self::spend(self.left, FIELDS_COST)?;
            }
            Self::spend(self.work, FIELD_WORK)?;
            map.insert(name, fields.next_value_seed(inside)?);
        }
        Ok(map.into())
    }
}
