//! What both readers of objects make of JSON's values that hold no others.

/// The methods of a [`Visitor`](serde::de::Visitor) of values that are neither list nor object.
macro_rules! json_scalars {
    () => {
        fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.write_str("JSON")
        }

        fn visit_unit<E: Error>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E: Error>(self, set: bool) -> Result<Value, E> {
            Ok(set.into())
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
            Ok(number.into())
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
            Ok(number.into())
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
            Ok(::serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
            Ok(text.into())
        }
    };
}

pub(super) use json_scalars;
