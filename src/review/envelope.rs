//! The fields of an AdmissionReview as texts. What was read before a fault is kept, so that it can be answered.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

const REVIEW: &[&str] = &["apiVersion", "kind"];
const REQUEST: &[&str] = &[
    "uid",
    "kind",
    "operation",
    "subResource",
    "namespace",
    "name",
    "userInfo",
    "dryRun",
    "object",
    "oldObject",
];

/// An AdmissionReview.
#[derive(Default)]
pub(super) struct Envelope<'de> {
    pub review: Fields<'de>,
    pub request: Fields<'de>,
}

/// Some fields of an object.
#[derive(Default)]
pub(super) struct Fields<'de> {
    /// Whether it is an object.
    pub is_object: bool,
    fields: Vec<(&'static str, &'de RawValue)>,
}

impl<'de> Envelope<'de> {
    /// Reads the fields up to the first fault.
    pub fn read(&mut self, body: &'de [u8]) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let request = Reading {
            wanted: REQUEST,
            fields: &mut self.request,
            request: None,
        };
        let review = Reading {
            wanted: REVIEW,
            fields: &mut self.review,
            request: Some(Box::new(request)),
        };
        review.deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

impl<'de> Fields<'de> {
    /// These fields of an object; none if the text is something else.
    pub fn of(text: &'de RawValue, wanted: &'static [&'static str]) -> Self {
        let mut fields = Self::default();
        let reading = Reading {
            wanted,
            fields: &mut fields,
            request: None,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text.get());
        // What is no object has no fields.
        let _ = reading.deserialize(&mut deserializer);
        fields
    }

    /// The last field of that name, as Go reads it.
    pub fn get(&self, name: &str) -> Option<&'de RawValue> {
        let mut fields = self.fields.iter().rev();
        let (_, text) = fields.find(|(known, _)| *known == name)?;
        Some(text)
    }
}

/// The string that a text is.
pub(super) fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

struct Reading<'f, 'de> {
    wanted: &'static [&'static str],
    fields: &'f mut Fields<'de>,
    /// How the field `request` is read.
    request: Option<Box<Reading<'f, 'de>>>,
}

impl<'de> DeserializeSeed<'de> for Reading<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.fields.is_object = true;
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let wanted = self.wanted.iter().find(|wanted| **wanted == name);
            if let Some(wanted) = wanted {
                self.fields.fields.push((wanted, map.next_value()?));
            } else if let Some(request) = self.request.take_if(|_| name == "request") {
                map.next_value_seed(*request)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
