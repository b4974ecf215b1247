//! What a plain scalar means to Kubernetes: YAML 1.1, as kubectl's parser (go-yaml 2) reads it.

use super::node::Content;

/// The value of an unquoted, untagged scalar.
pub(super) fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Content::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Content::Bool(false)
        }
        _ => number(text).unwrap_or_else(|| Content::String(text.to_owned())),
    }
}

/// The value of a scalar with one of YAML's own tags, such as `!!str`.
pub(super) fn tagged(suffix: &str, text: &str) -> Content {
    match suffix {
        "int" | "float" | "bool" | "null" => plain(text),
        _ => Content::String(text.to_owned()),
    }
}

fn number(text: &str) -> Option<Content> {
    let first = text.trim_start_matches(['-', '+']).chars().next()?;
    if !first.is_ascii_digit() && first != '.' {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits)
        .map(Content::Int)
        .or_else(|| float(&digits).map(Content::Float))
}

fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

fn float(text: &str) -> Option<f64> {
    let shape = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let number: f64 = text.parse().ok()?;
    (text.chars().all(shape) && number.is_finite()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_scalars_as_kubectl_does() {
        assert_eq!(plain("yes"), Content::Bool(true));
        assert_eq!(plain("off"), Content::Bool(false));
        assert_eq!(plain("5"), Content::Int(5));
        assert_eq!(plain("0x1F"), Content::Int(31));
        assert_eq!(plain("010"), Content::Int(8));
        assert_eq!(plain("1_000"), Content::Int(1000));
        assert_eq!(plain("-3"), Content::Int(-3));
        assert_eq!(plain("1.5"), Content::Float(1.5));
        assert_eq!(plain("1e3"), Content::Float(1000.0));
        assert_eq!(plain("v1"), Content::String("v1".into()));
        assert_eq!(plain("1.2.3"), Content::String("1.2.3".into()));
        assert_eq!(plain("5bfbf9599"), Content::String("5bfbf9599".into()));
        assert_eq!(plain("--5"), Content::String("--5".into()));
        assert_eq!(plain("."), Content::String(".".into()));
        assert_eq!(tagged("str", "5"), Content::String("5".into()));
    }
}
