//! Tells a new error from a repeated one, so that each is logged once.

use std::fmt::Display;

/// The text of the last error, if what failed has not worked since.
#[derive(Debug, Default)]
pub struct LastError(Option<String>);

impl LastError {
    /// Whether the error has another text than the last one. Only then the caller logs it.
    pub fn is_new(&mut self, error: &impl Display) -> bool {
        let text = Some(error.to_string());
        let new = self.0 != text;
        self.0 = text;
        new
    }

    /// Forgets the last error, because what failed works again.
    pub fn reset(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_new_when_its_text_changes_or_after_a_success() {
        let mut last = LastError::default();
        let new = ["one", "one", "two", "one"].map(|text| last.is_new(&text));
        assert_eq!(new, [true, false, true, true]);
        last.reset();
        assert!(last.is_new(&"one"));
    }
}
