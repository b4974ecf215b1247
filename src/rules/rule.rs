//! What a rule is, and `rule!`, which declares one.

use crate::cluster::{Flow, View};
use crate::model::{DestinationRule, Kind, Object, Typed, VirtualService, Write};
use crate::verdict::{Findings, RuleId};

/// One rule of the catalogue.
#[derive(Clone, Copy)]
pub struct Rule {
    pub id: RuleId,
    pub level: Level,
    /// The kinds that it reads besides the one that it applies to.
    pub reads: &'static [Kind],
    pub check: Check,
    /// The `//!` lines of its file, in Markdown.
    pub documentation: &'static str,
}

/// How bad the rule's findings can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    /// Either: its documentation says when.
    Both,
}

/// The function of a rule. It is pure, and its variant says what the rule applies to.
#[derive(Clone, Copy)]
pub enum Check {
    Rollout(fn(&Flow<'_>, &mut Findings<'_>)),
    VirtualService(fn(Typed<'_, VirtualService>, &View<'_>, &mut Findings<'_>)),
    DestinationRule(fn(Typed<'_, DestinationRule>, &View<'_>, &mut Findings<'_>)),
    /// Objects of any kind; it reads no other objects.
    Any(fn(&Object, &mut Findings<'_>)),
    /// Objects of any kind in manifests, but only for `check`.
    Manifest(fn(&Object, &View<'_>, &mut Findings<'_>)),
    /// Rollouts, but only for `check` and the audit: a review can come between two writes of the controller, when its
    /// findings would be wrong.
    Standing(fn(&Flow<'_>, &mut Findings<'_>)),
    /// Writes; the view is the cluster before the write.
    Write(fn(&Write, &View<'_>, &mut Findings<'_>)),
}

impl Rule {
    /// The kinds of the objects, or of the writes, that it judges.
    pub fn applies_to(&self) -> impl Iterator<Item = Kind> {
        let only = match self.check {
            Check::Rollout(_) | Check::Standing(_) => Some(Kind::Rollout),
            Check::VirtualService(_) => Some(Kind::VirtualService),
            Check::DestinationRule(_) => Some(Kind::DestinationRule),
            Check::Any(_) | Check::Manifest(_) | Check::Write(_) => None,
        };
        let kinds = Kind::ALL.into_iter();
        kinds.filter(move |kind| only.map_or(kind.is_guarded(), |only| only == *kind))
    }

    /// The first line of the documentation: what is wrong when the rule reports.
    pub fn summary(&self) -> &'static str {
        self.documentation.lines().next().unwrap_or_default()
    }
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Both => "error or warning",
        }
    }
}

/// Declares `RULE` for the file that it is in: code, level, the kind that it applies to with the function, and
/// the other kinds that the function reads. Name and documentation are the file's.
macro_rules! rule {
    ($code:ident, $level:ident, $kind:ident($check:ident) $(, reads = [$($read:ident),+])?) => {
        /// This rule's entry in the catalogue.
        pub const RULE: $crate::rules::rule::Rule = {
            let page = $crate::documentation::page(module_path!());
            $crate::rules::rule::Rule {
                id: $crate::verdict::RuleId {
                    code: stringify!($code),
                    name: page.name,
                },
                level: $crate::rules::rule::Level::$level,
                reads: &[$($($crate::model::Kind::$read),+)?],
                check: $crate::rules::rule::Check::$kind($check),
                documentation: page.text,
            }
        };
    };
}
