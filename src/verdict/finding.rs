//! What a rule reports: a finding, and the methods with which a rule builds it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::message_parts::Message;
use crate::field::Path;
use crate::model::{Host, Key};
use crate::text::truncate_bytes;

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

/// The cause type of an invalid field in a Kubernetes `Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    NotFound,
    Required,
    Duplicate,
    Forbidden,
    Invalid,
}

/// One thing that is wrong in one field of one object. If it is about a reference, the object is the one that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: RuleId,
    pub severity: Severity,
    pub object: Key,
    pub path: Path,
    /// The route, subset, Service, label or role that the finding is about. Rule, object and subject identify it.
    pub subject: String,
    /// The host that it is about, so that it does not rest on what its rule read about other hosts.
    pub host: Option<Host>,
    pub message: Message,
    /// What to do about it.
    pub help: String,
    pub cause: Cause,
    /// A referenced object does not exist. This is a warning, and an error only with `--complete` and profile `strict`.
    pub missing: bool,
    /// The host that nothing provides or covers, if that is what is missing.
    pub missing_host: Option<Host>,
    /// The Service that does not exist; the help names those of its name in other namespaces.
    pub sought: Option<Key>,
    /// The object that lacks what the finding says is missing, and so could bring it.
    pub awaited: Option<Key>,
    /// The audit reports a warning until the awaited object, of the same release, has had time to follow.
    pub pending: bool,
    /// It breaks a flow other than the object's own, so that it denies even a CREATE.
    pub harms_others: bool,
    /// Only writes of these objects are denied for it; empty: any write.
    pub denies_only: Vec<Key>,
    /// The other objects have the same finding with the same subject: it is reported once.
    pub mutual: bool,
    /// The edit that corrects it, if there is exactly one.
    pub remedy: Option<Remedy>,
    /// The other objects that it depends on, and the field of each that could be corrected instead.
    pub others: Vec<(Key, Path)>,
}

/// An edit of one object that corrects a finding. Only `fix` applies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Replace the misspelt name by this text.
    Replace(Key, Path, String),
    /// Give the field this name.
    Rename(Key, Path, String),
    /// Remove the entry from its map.
    Remove(Key, Path),
}

/// What is kept of a finding that is not listed: digest of its identity, and severity.
pub type Digest = (u64, Severity);

/// Names can be as long as a request.
const MAX_SUBJECT_BYTES: usize = 1024;
const MAX_HELP_BYTES: usize = 4096;

impl Finding {
    /// Two findings with the same identity report the same thing; list indexes and wording can differ.
    pub fn identity(&self) -> (RuleId, &Key, &str) {
        (self.rule, &self.object, &self.subject)
    }

    /// The identity without the object, and the severity for a write of `written`.
    pub fn digest(&self, written: &Key) -> Digest {
        let mut hasher = DefaultHasher::new();
        self.subject.hash(&mut hasher);
        let severity = if self.may_deny(written) {
            self.severity
        } else {
            Severity::Warning
        };
        (hasher.finish(), severity)
    }

    /// Whether `denies_only` includes writes of the object.
    pub fn may_deny(&self, written: &Key) -> bool {
        self.denies_only.is_empty() || self.denies_only.contains(written)
    }

    pub fn subject(&mut self, subject: impl Into<String>) -> &mut Self {
        let subject = subject.into();
        self.subject = if subject.len() <= MAX_SUBJECT_BYTES {
            subject
        } else {
            // Of a long one the digest tells it from others.
            let mut hasher = DefaultHasher::new();
            subject.hash(&mut hasher);
            let start = truncate_bytes(&subject, MAX_SUBJECT_BYTES);
            format!("{start}… {:x}", hasher.finish())
        };
        self
    }

    /// It is about this host alone.
    pub fn of_host(&mut self, host: &Host) -> &mut Self {
        self.host = Some(host.clone());
        self
    }

    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self.help
            .truncate(self.help.floor_char_boundary(MAX_HELP_BYTES));
        self.help.shrink_to_fit();
        self
    }

    pub fn cause(&mut self, cause: Cause) -> &mut Self {
        self.cause = cause;
        self
    }

    /// Suggests this text for the field of the finding.
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

    /// Adds another object that it depends on, and the field of it that could be corrected instead.
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

    /// It refers to a host for which what it needs does not exist; no single object is missing.
    pub fn missing_for(&mut self, host: &Host) -> &mut Self {
        self.missing = true;
        self.missing_host = Some(host.clone());
        self.cause = Cause::NotFound;
        self
    }

    /// An object for this host, which does not exist, would correct it.
    pub fn seeks_for(&mut self, host: &Host) -> &mut Self {
        self.missing_host = Some(host.clone());
        self
    }

    /// What is missing is missing in this object.
    pub fn awaits(&mut self, holder: &Key) -> &mut Self {
        self.awaited = Some(holder.clone());
        self
    }

    /// It looks for this Service, which does not exist.
    pub fn seeks(&mut self, service: Key) -> &mut Self {
        self.sought = Some(service);
        self
    }

    pub fn harms_others(&mut self) -> &mut Self {
        self.harms_others = true;
        self
    }

    /// Only writes of this object are denied for it, and of others that are added so.
    pub fn denies_only(&mut self, key: &Key) -> &mut Self {
        self.denies_only.push(key.clone());
        self
    }

    /// Each of the other objects has the same finding with the same subject.
    pub fn mutual(&mut self) -> &mut Self {
        self.mutual = true;
        self
    }

    /// Whether the finding depends on no other object than `key`.
    pub fn is_inside(&self, key: &Key) -> bool {
        self.object == *key && self.others.iter().all(|(other, _)| other == key)
    }

    /// The field to show to somebody who writes `key`: the one in that object, or else the reference.
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
