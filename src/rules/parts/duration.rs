//! Durations as the controller reads those of a pause: whole seconds, or Go's `1h30m`.

use crate::model::IntOrString;

/// The seconds, cut towards zero; `None` for what is no duration and for more than 32 bits hold (68
/// years), of which the controller makes a negative number.
pub fn seconds(duration: &IntOrString) -> Option<i32> {
    match duration {
        IntOrString::Int(seconds) => i32::try_from(*seconds).ok(),
        IntOrString::String(text) => text.parse().ok().or_else(|| go_seconds(text)),
    }
}

/// Go's `time.ParseDuration`: a sign, then `0` or terms of a decimal number and a unit.
fn go_seconds(text: &str) -> Option<i32> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0_i128;
    while !rest.is_empty() {
        let (nanoseconds, tail) = term(rest)?;
        sum = sum.checked_add(nanoseconds)?;
        rest = tail;
    }
    i32::try_from(sign * (sum / SECOND)).ok()
}

/// The first term's nanoseconds, and what follows it.
fn term(text: &str) -> Option<(i128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let (_, unit) = UNITS.iter().find(|(known, _)| *known == name)?;
    let nanoseconds = number(whole)?.checked_mul(*unit)?;
    Some((nanoseconds.checked_add(part(fraction, *unit)?)?, rest))
}

/// The leading decimal digits, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn number(digits: &str) -> Option<i128> {
    match digits {
        "" => Some(0),
        digits => digits.parse().ok(),
    }
}

/// The part of a unit that the digits behind the point stand for.
fn part(fraction: &str, unit: i128) -> Option<i128> {
    let digits: String = fraction.chars().take(EXACT_DIGITS).collect();
    let scale = digits.chars().fold(1_i128, |scale, _| scale * 10);
    Some(number(&digits)? * unit / scale)
}

/// Digits behind the point beyond these are less than a nanosecond of any unit.
const EXACT_DIGITS: usize = 18;

const SECOND: i128 = 1_000_000_000;

/// The two signs for micro are U+00B5 and U+03BC.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i32> {
        seconds(&IntOrString::String(text.to_owned()))
    }

    #[test]
    fn reads_what_go_reads() {
        let known = [
            ("30", 30),
            ("+30", 30),
            ("-1", -1),
            ("0", 0),
            ("-0", 0),
            ("1h", 3600),
            ("1h30m5s", 5405),
            ("1m1m", 120),
            ("1.5h", 5400),
            (".5m", 30),
            ("5.s", 5),
            ("+2m", 120),
            ("-2m", -120),
            ("-500ms", 0),
            ("1500ms", 1),
            ("2000000us", 2),
            ("2000000\u{b5}s", 2),
            ("2000000\u{3bc}s", 2),
            ("3000000000ns", 3),
            ("0.100000000000000000000h", 360),
            ("0000000000000000000000000000000000000000001s", 1),
            ("596523h", 2_147_482_800),
        ];
        for (text, seconds) in known {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        let unknown = [
            "",
            "-",
            "+",
            "+-1s",
            "s",
            ".s",
            ".",
            "1.5",
            "1d",
            "1w",
            "1 h",
            " 1h",
            "1h ",
            "1H",
            "1h30",
            "1sec",
            "5m-30s",
            "1_000s",
            "1e3s",
            "\u{661}s",
            "596524h",
            "99999999999999999999h",
        ];
        for text in unknown {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(seconds(&IntOrString::Int(3_000_000_000)), None);
        assert_eq!(seconds(&IntOrString::Int(-1)), Some(-1));
        assert_eq!(read(&"9".repeat(60)), None);
        assert_eq!(read(&format!("{}s", "9".repeat(60))), None);
    }
}
