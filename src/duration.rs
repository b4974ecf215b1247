//! Durations as Go's `time.ParseDuration` reads them: `2s`, `1m30s`, `-250ms`.

use std::time::Duration;

/// The duration in nanoseconds; `None` for what Go rejects, and for more than 64 bits hold (292 years).
pub fn nanoseconds(text: &str) -> Option<i64> {
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
    i64::try_from(sign * sum).ok()
}

/// The duration; `None` for what Go rejects, and for a negative one.
pub fn parse(text: &str) -> Option<Duration> {
    let nanoseconds = u64::try_from(nanoseconds(text)?).ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Why a flag is no duration.
#[derive(Debug, thiserror::Error)]
#[error("write a duration such as `10s` or `1m30s`")]
pub struct InvalidDuration;

/// The duration that a flag gives.
pub fn of_flag(text: &str) -> Result<Duration, InvalidDuration> {
    parse(text).ok_or(InvalidDuration)
}

/// The nanoseconds of the first number and unit, and what follows them.
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

/// The part of a unit that the digits after the point stand for.
fn part(fraction: &str, unit: i128) -> Option<i128> {
    let digits: String = fraction.chars().take(MAX_FRACTION_DIGITS).collect();
    let scale = digits.chars().fold(1_i128, |scale, _| scale * 10);
    Some(number(&digits)? * unit / scale)
}

/// Digits after these are less than a nanosecond of any unit.
const MAX_FRACTION_DIGITS: usize = 18;

const SECOND: i128 = 1_000_000_000;

/// The nanoseconds of each unit. The two signs for micro are U+00B5 and U+03BC.
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

    #[test]
    fn reads_what_go_reads() {
        let known = [
            ("0", 0),
            ("-0", 0),
            ("0s", 0),
            ("250ms", 250_000_000),
            ("1h30m5s", 5_405_000_000_000),
            ("1m1m", 120_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5m", 30_000_000_000),
            ("5.s", 5_000_000_000),
            ("+2m", 120_000_000_000),
            ("-2m", -120_000_000_000),
            ("2000000us", 2_000_000_000),
            ("2000000\u{b5}s", 2_000_000_000),
            ("2000000\u{3bc}s", 2_000_000_000),
            ("3ns", 3),
            ("0.100000000000000000000h", 360_000_000_000),
            (
                "0000000000000000000000000000000000000000001s",
                1_000_000_000,
            ),
            ("2562047h47m16.854775807s", i64::MAX),
        ];
        for (text, expected) in known {
            assert_eq!(nanoseconds(text), Some(expected), "{text}");
        }
        assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
    }

    #[test]
    fn rejects_what_go_rejects() {
        let unknown = [
            "",
            "-",
            "+",
            "+-1s",
            "s",
            ".s",
            ".",
            "2",
            "1.5",
            "1.2.3s",
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
            "infs",
            "\u{661}s",
            "2562047h47m16.854775808s",
            "99999999999999999999h",
        ];
        for text in unknown {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
        assert_eq!(nanoseconds(&format!("{}s", "9".repeat(60))), None);
        assert_eq!(parse("-2s"), None);
    }
}
