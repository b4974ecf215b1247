//! What is asked about one write, whoever asks: the API server, a recording, a test.

#![warn(missing_docs)]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Kind, Operation, is_partial};

/// A question about a write: what it becomes, or whether it may be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub phase: Phase,
    /// Echoed in the answer.
    pub uid: String,
    /// `None` for a kind that rollout-guard does not know, and for an operation that writes nothing.
    pub kind: Option<Kind>,
    /// The API group of the kind as it was sent.
    pub group: String,
    /// The name of the kind as it was sent.
    pub kind_name: String,
    /// CONNECT counts as an UPDATE of an unknown kind.
    pub operation: Operation,
    /// Empty for the object itself.
    pub subresource: String,
    /// Empty for an object without a namespace.
    pub namespace: String,
    /// Empty where the API server has yet to make one.
    pub name: String,
    /// The name of the user who writes.
    pub user: String,
    /// As it was sent; once it is decided, as it will be stored. Null on DELETE.
    pub object: Value,
    /// Null on CREATE.
    pub old_object: Value,
    /// Whether the write will not be stored.
    pub dry_run: bool,
    /// Whether the caller has seen a listed user write as the Rollouts controller.
    pub controller_seen: bool,
    /// Whether the user may use the `allow` annotation on the object.
    pub allow_right: AllowRight,
    /// Whether the decision lists all objects that were read for it, for a recording.
    pub trace: bool,
}

/// Whether a user has the right that settings ask for, so that the `allow` annotation counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowRight {
    /// Nobody can be asked, as on manifests. The annotation counts.
    #[default]
    Unknown,
    /// The caller asks if the decision says that it matters.
    Unasked,
    /// The user has it.
    Granted,
    /// The user does not have it.
    Refused,
    /// The API server could not tell.
    Unanswered,
}

/// A user as the API server has authenticated it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// The name of the user.
    pub username: String,
    /// What tells the user from an earlier one of the same name.
    pub uid: String,
    /// The groups of the user.
    pub groups: Vec<String>,
    /// What the authenticator adds.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The phase of admission that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `/mutate`: what the write becomes.
    Mutate,
    /// `/validate`: whether the object, which the API server has mutated already, may be stored.
    Validate,
    /// Both in the API server's order, answered as `/validate` answers: for recordings of raw writes.
    MutateThenValidate,
}

impl Request {
    /// Whether the objects hold only what rules read: they are too large or too deep to be kept whole.
    pub fn is_partial(&self) -> bool {
        is_partial(&self.object) || is_partial(&self.old_object)
    }

    /// The object that the write is about: the new one, on DELETE the old one.
    pub fn subject(&self) -> &Value {
        match self.operation {
            Operation::Delete => &self.old_object,
            Operation::Create | Operation::Update => &self.object,
        }
    }
}

impl AllowRight {
    /// Whether the `allow` annotation counts.
    pub fn counts(self) -> bool {
        matches!(self, AllowRight::Unknown | AllowRight::Granted)
    }
}

impl Phase {
    /// The word for it in paths, labels and log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Validate | Phase::MutateThenValidate => "validate",
            Phase::Mutate => "mutate",
        }
    }

    /// Whether the phase asks what the write becomes.
    pub fn mutates(self) -> bool {
        self != Phase::Validate
    }

    /// Whether the phase asks whether the write may be stored.
    pub fn validates(self) -> bool {
        self != Phase::Mutate
    }
}
