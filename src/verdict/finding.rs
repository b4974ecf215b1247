//! A finding, and how a rule builds one.

use std::fmt;

use super::message_parts::Message;
use crate::field::Path;
use crate::model::Key;

/// A rule's code and name, as users write them in settings and annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    /// `RG501`; never reused.
    pub code: &'static str,
    /// `subset-undefined`.
    pub name: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// Kubernetes' cause types of an invalid field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    NotFound,
    Required,
    Duplicate,
    Forbidden,
    Invalid,
}

/// One thing that is wrong, from the view of the object that holds the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: RuleId,
    pub severity: Severity,
    pub object: Key,
    pub path: Path,
    /// The route, subset, Service, label or role it is about: with rule and object its identity.
    pub subject: String,
    pub message: Message,
    /// What to do about it.
    pub help: String,
    pub cause: Cause,
    /// The referenced object does not exist: never more than a warning but under `--complete` and
    /// profile `strict`.
    pub missing: bool,
    /// It breaks another flow than the object's own, so that even a CREATE is denied for it.
    pub harms_others: bool,
    /// The other objects have the same finding with the same subject: once is enough to tell.
    pub mutual: bool,
    /// The one edit that would mend it, where there is one that is obvious.
    pub remedy: Option<Remedy>,
    /// The other objects it rests on, and the place in each where the fault would be mended.
    pub others: Vec<(Key, Path)>,
}

/// An edit of one object that mends a finding. Offered, never made unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Put this text in the place of the misspelt name.
    Replace(Key, Path, String),
    /// Take the entry out of its map.
    Remove(Key, Path),
}

/// The findings of one rule.
pub struct Findings<'a> {
    rule: RuleId,
    list: &'a mut Vec<Finding>,
}

impl Finding {
    /// Two findings of one identity say the same of the same thing; list indexes and wording do not count.
    pub fn identity(&self) -> (RuleId, &Key, &str) {
        (self.rule, &self.object, &self.subject)
    }

    pub fn subject(&mut self, subject: impl Into<String>) -> &mut Self {
        self.subject = subject.into();
        self
    }

    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    pub fn cause(&mut self, cause: Cause) -> &mut Self {
        self.cause = cause;
        self
    }

    /// The finding's own name would be right if it were this one.
    pub fn respell(&mut self, right: Option<&str>) -> &mut Self {
        let replace =
            |right: &str| Remedy::Replace(self.object.clone(), self.path.clone(), right.to_owned());
        self.remedy = right.map(replace);
        self
    }

    pub fn remedy(&mut self, remedy: Remedy) -> &mut Self {
        self.remedy = Some(remedy);
        self
    }

    /// It rests on another object too; `path` is where it would be mended there.
    pub fn with(&mut self, key: &Key, path: Path) -> &mut Self {
        self.others.push((key.clone(), path));
        self
    }

    /// The object `key` that it refers to does not exist.
    pub fn missing(&mut self, key: &Key) -> &mut Self {
        self.missing = true;
        self.cause = Cause::NotFound;
        self.with(key, Path::default())
    }

    /// It names something that does not exist, in a cluster that lacks the whole object.
    pub fn missing_anything(&mut self) -> &mut Self {
        self.missing = true;
        self.cause = Cause::NotFound;
        self
    }

    pub fn harms_others(&mut self) -> &mut Self {
        self.harms_others = true;
        self
    }

    /// Each of the objects has this finding, with the same subject.
    pub fn mutual(&mut self) -> &mut Self {
        self.mutual = true;
        self
    }

    /// Whether the fault lies in `key` alone.
    pub fn is_inside(&self, key: &Key) -> bool {
        self.object == *key && self.others.iter().all(|(other, _)| other == key)
    }

    /// The place to show to the writer of `key`: the cause in that object, else the reference.
    pub fn place_in(&self, key: &Key) -> &Path {
        if self.object == *key {
            return &self.path;
        }
        let mut others = self.others.iter();
        others
            .find(|(other, _)| other == key)
            .map_or(&self.path, |(_, path)| path)
    }
}

impl<'a> Findings<'a> {
    pub fn of(rule: RuleId, list: &'a mut Vec<Finding>) -> Self {
        Self { rule, list }
    }

    pub fn error(&mut self, object: &Key, path: Path, message: Message) -> &mut Finding {
        self.push(Severity::Error, object, path, message)
    }

    pub fn warning(&mut self, object: &Key, path: Path, message: Message) -> &mut Finding {
        self.push(Severity::Warning, object, path, message)
    }

    fn push(
        &mut self,
        severity: Severity,
        object: &Key,
        path: Path,
        message: Message,
    ) -> &mut Finding {
        self.list.push(Finding {
            rule: self.rule,
            severity,
            object: object.clone(),
            path,
            subject: String::new(),
            message,
            help: String::new(),
            cause: Cause::Invalid,
            missing: false,
            harms_others: false,
            mutual: false,
            remedy: None,
            others: Vec::new(),
        });
        let last = self.list.len() - 1;
        #[allow(clippy::indexing_slicing)] // the element was pushed just now
        &mut self.list[last]
    }
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}
