//! What a rule says (a [`Finding`]) and what the engine makes of it (a [`Verdict`]).
//! It knows neither HTTP nor how a finding is found.

mod finding;

pub use finding::{Cause, Finding, Findings, Remedy, RuleId, Severity};

/// What a finding does to the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Deny,
    Warn,
}

/// A finding and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub finding: Finding,
    pub action: Action,
    /// Profile `observe` made a warning of what would have denied.
    pub would_deny: bool,
}

/// Why a write was not judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    UnknownKind,
    Subresource,
    /// The object is being deleted: removing a finalizer never fails.
    ObjectDeleting,
    NamespaceDeleting,
    NamespaceOff,
    /// The Rollouts controller, known by its user.
    Controller,
    /// The Rollouts controller under an unlisted user, known by managedFields.
    ControllerByFields,
    /// A delete by the garbage collector or the namespace controller.
    System,
    /// It could not be decided before the caller gives up.
    OutOfTime,
    /// What a denial would rest on could not be read again from the API server.
    Unverified,
}

/// The engine's answer to one write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub exempt: Option<Exempt>,
    /// Denials first, then in the order of the rules.
    pub judged: Vec<Judged>,
    /// Warnings that come from no rule, such as an unknown name in the `allow` annotation.
    pub notes: Vec<String>,
}

impl Verdict {
    pub fn exempt(reason: Exempt) -> Self {
        Self {
            exempt: Some(reason),
            ..Self::default()
        }
    }

    pub fn is_denied(&self) -> bool {
        self.denials().next().is_some()
    }

    pub fn denials(&self) -> impl Iterator<Item = &Judged> {
        let judged = self.judged.iter();
        judged.filter(|judged| judged.action == Action::Deny)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Judged> {
        let judged = self.judged.iter();
        judged.filter(|judged| judged.action == Action::Warn)
    }
}

impl Exempt {
    /// The word for audit annotations and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Exempt::UnknownKind => "unknown-kind",
            Exempt::Subresource => "subresource",
            Exempt::ObjectDeleting => "object-deleting",
            Exempt::NamespaceDeleting => "namespace-deleting",
            Exempt::NamespaceOff => "namespace-off",
            Exempt::Controller => "controller",
            Exempt::ControllerByFields => "controller-by-managed-fields",
            Exempt::System => "system",
            Exempt::OutOfTime => "out-of-time",
            Exempt::Unverified => "unverified",
        }
    }
}
