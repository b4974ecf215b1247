//! Durations as Go writes them: `2s`, `1m30s`, `250ms`.

use std::time::Duration;

/// `None` for what Go's `time.ParseDuration` refuses, and for negative ones.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    loop {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, tail) = split(after, |c| !c.is_ascii_digit() && c != '.');
        let seconds = number.parse::<f64>().ok()? * seconds_of(unit)?;
        let part = Duration::try_from_secs_f64(seconds).ok()?;
        total = total.checked_add(part)?;
        if tail.is_empty() {
            return Some(total);
        }
        rest = tail;
    }
}

/// A flag's.
pub fn of_flag(text: &str) -> Result<Duration, String> {
    parse(text).ok_or_else(|| "write a duration such as `10s` or `1m30s`".to_owned())
}

/// The part before the first character that does not belong, and the rest.
fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "ns" => Some(1e-9),
        "us" | "µs" | "μs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes() {
        let millis = |text| parse(text).map(|duration| duration.as_millis());
        assert_eq!(millis("2s"), Some(2_000));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("1.5h"), Some(5_400_000));
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("0"), Some(0));
        assert_eq!(millis("0s"), Some(0));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "", "2", "s", "-2s", "2 s", "1.2.3s", ".s", "2d", "1m30", "infs",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
