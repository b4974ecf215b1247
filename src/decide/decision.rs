//! What was decided about one write, and what it rests on.

use std::sync::Arc;

use super::exempt::{Exempt, NameUse};
use super::mutate::Mutated;
use crate::cluster::Fact;
use crate::model::{Key, Write};
use crate::request::{AllowRight, Request};
use crate::verdict::Finding;

/// The answer to one [`Request`], before it is written for anybody.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The request; its object is the one that will be stored.
    pub request: Request,
    /// The objects of the request as the rules read them; `None` where none was read.
    pub write: Option<Write>,
    /// `None` where the request does not ask for it, and for an exempt write.
    pub mutation: Option<Mutated>,
    /// Denials first, then in the order of the rules.
    pub judged: Vec<Judged>,
    /// Warnings that come from no rule, such as an unknown name in the `allow` annotation.
    pub notes: Vec<String>,
    /// Why the write was neither judged nor changed.
    pub exempt: Option<Exempt>,
    /// Who uses the controller's field manager, if managedFields attribute the write to it.
    pub name_use: Option<NameUse>,
    /// The value of the namespace's `enforce` label if it is unknown.
    pub unknown_enforce: Option<String>,
    /// Whether settings ask for a right to use the `allow` annotation.
    pub allow_needs_right: bool,
    /// All that was read, for a request with `trace`.
    pub reads: Vec<Fact>,
}

/// A finding and what becomes of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the rule says.
    pub finding: Finding,
    /// What the finding does.
    pub action: Action,
    /// Why it does not deny although the table says so.
    pub spared: Option<Spared>,
    /// Whether the `allow` annotation names its rule.
    pub named_by_allow: bool,
    /// What its rule read.
    pub reads: Arc<[Fact]>,
}

/// What a finding does to the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The API server refuses the write with this as a cause.
    Deny,
    /// The write passes with a warning.
    Warn,
}

/// Why a finding that would deny is a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// Profile `observe` denies nothing.
    Observed,
    /// This object of the release must follow.
    Pending(Key),
    /// A dry run: the finding would deny unless these objects of the release change too, or if there are none, one that
    /// does not exist is created.
    DryRun(Vec<Key>),
}

/// Why a write is allowed without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The caller gives up before.
    OutOfTime,
    /// The review cannot be read.
    Unreadable,
    /// What a denial would rest on cannot be read from the API server.
    Unverifiable,
    /// What a denial would rest on is different at each read.
    Changing,
}

impl Decision {
    pub(super) fn of(request: Request) -> Self {
        Self {
            request,
            write: None,
            mutation: None,
            judged: Vec::new(),
            notes: Vec::new(),
            unknown_enforce: None,
            exempt: None,
            name_use: None,
            allow_needs_right: false,
            reads: Vec::new(),
        }
    }

    pub(super) fn exempt(request: Request, reason: Exempt) -> Self {
        Self {
            exempt: Some(reason),
            ..Self::of(request)
        }
    }

    /// The write is allowed with a warning that says why it was not decided.
    pub fn undecided(request: Request, why: Undecided) -> Self {
        Self {
            notes: vec![why.note().to_owned()],
            ..Self::exempt(request, why.exempt())
        }
    }

    /// The request as it was sent, to be decided again.
    pub fn into_request(self) -> Request {
        let mut request = self.request;
        if let Some(mutated) = self.mutation.filter(|mutated| !mutated.observed) {
            request.object = mutated.patch.undo(request.object);
        }
        request
    }

    /// Whether a finding denies the write.
    pub fn is_denied(&self) -> bool {
        self.denials().next().is_some()
    }

    /// Whether it would be another one if the user may use the `allow` annotation, which is not known yet.
    pub fn asks_allow_right(&self) -> bool {
        let mut denials = self.denials();
        let mutation = self.mutation.as_ref();
        self.allow_needs_right
            && self.request.allow_right == AllowRight::Unasked
            && (denials.any(|judged| judged.named_by_allow)
                || mutation.is_some_and(|mutated| mutated.despite_allow && mutated.patches()))
    }

    /// The findings that deny the write.
    pub fn denials(&self) -> impl Iterator<Item = &Judged> {
        let judged = self.judged.iter();
        judged.filter(|judged| judged.action == Action::Deny)
    }

    /// `allow`, `warn`, `deny`, `patch` or `exempt`.
    pub fn outcome(&self) -> &'static str {
        let patches = self.mutation.as_ref().is_some_and(Mutated::patches);
        match self.exempt {
            Some(_) => "exempt",
            None if self.is_denied() => "deny",
            None if patches && !self.request.phase.validates() => "patch",
            None if self.judged.is_empty() => "allow",
            None => "warn",
        }
    }
}

impl Spared {
    /// The word for metrics, audit annotations and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Spared::Observed => "would-deny",
            Spared::Pending(_) => "pending",
            Spared::DryRun(_) => "dry-run",
        }
    }
}

impl Undecided {
    fn exempt(self) -> Exempt {
        match self {
            Undecided::OutOfTime => Exempt::OutOfTime,
            Undecided::Unreadable => Exempt::Unreadable,
            Undecided::Unverifiable | Undecided::Changing => Exempt::Unverified,
        }
    }

    fn note(self) -> &'static str {
        match self {
            Undecided::OutOfTime => {
                "this write could not be checked in time and is allowed unchecked"
            }
            Undecided::Unreadable => {
                "this write could not be read by rollout-guard and is allowed unchecked"
            }
            Undecided::Unverifiable => {
                "this write looks wrong, but the cluster could not be read to be sure: it is allowed"
            }
            Undecided::Changing => {
                "this write looks wrong, but what it refers to is changing: it is allowed"
            }
        }
    }
}
