//! A fact about a cluster: what is so, what it means, and what to do about it.

use std::fmt;

use serde::Serialize;

/// How good a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// Worth knowing.
    Note,
    /// It could not be found out.
    Unknown,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub level: Level,
    /// What the fact is about, such as `controller`.
    pub topic: &'static str,
    pub fact: String,
    pub meaning: String,
    /// What to do; empty if there is nothing to do.
    pub advice: String,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Unknown => "unknown",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

impl Fact {
    /// A fact that needs no action.
    pub fn new(
        level: Level,
        topic: &'static str,
        fact: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        Self {
            level,
            topic,
            fact: fact.into(),
            meaning: meaning.into(),
            advice: String::new(),
        }
    }

    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// What could not be read, and why.
    pub fn unread(topic: &'static str, what: &str, error: &str) -> Self {
        let fact = format!("{what} cannot be read");
        Self::new(Level::Unknown, topic, fact, error)
            .advise("run `doctor` as a user who may read it")
    }
}

/// One line.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.fact, self.meaning)?;
        if !self.advice.is_empty() {
            write!(f, " → {}", self.advice)?;
        }
        Ok(())
    }
}
