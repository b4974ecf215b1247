//! The decision table: what becomes of a finding by profile, rule action and `allow` annotation.

use super::compare::Found;
use super::decision::{Action, Judged, Spared};
use super::siblings::SiblingsOf;
use crate::model::{Operation, Write};
use crate::settings::{Profile, RuleAction, Settings};
use crate::verdict::{Cause, Finding, RuleId, Severity};

/// What decides about each finding of one write.
pub(super) struct Table<'a> {
    pub write: &'a Write,
    pub settings: &'a Settings,
    pub profile: Profile,
    pub siblings: SiblingsOf<'a>,
    /// The write will not be stored.
    pub dry_run: bool,
    /// Whether the `allow` annotation counts.
    pub allow_counts: bool,
}

impl Table<'_> {
    /// `None` for the finding of a rule that is off.
    pub fn judge(&self, found: Found) -> Option<Judged> {
        let action = self.settings.action(found.finding.rule);
        if action == Some(RuleAction::Off) {
            return None;
        }
        let concerns = found.concerns(&self.write.key);
        let mut finding = raised(found.finding, self.profile == Profile::Strict);
        let denies = match action {
            Some(RuleAction::Deny) => found.new,
            Some(RuleAction::Warn) => false,
            _ => self.denies(&finding, found.new),
        };
        let named_by_allow = self.allows(finding.rule);
        let denies = denies && concerns && !(named_by_allow && self.allow_counts);
        let spared = denies.then(|| self.spared(&finding, action)).flatten();
        let action = if denies && spared.is_none() {
            Action::Deny
        } else {
            Action::Warn
        };
        if denies {
            finding.help += &self.order(&finding);
        }
        Some(Judged {
            finding,
            action,
            spared,
            named_by_allow,
            reads: found.reads,
        })
    }

    /// Whether the write is denied for the finding.
    pub fn denies_for(&self, found: &Found) -> bool {
        let may_deny = found.new || self.profile == Profile::Strict;
        let judged = may_deny.then(|| self.judge(found.clone())).flatten();
        judged.is_some_and(|judged| judged.action == Action::Deny)
    }

    /// Why a finding that denies is a warning only.
    fn spared(&self, finding: &Finding, action: Option<RuleAction>) -> Option<Spared> {
        let pends = action.is_none() && self.profile != Profile::Strict;
        let pending = || self.siblings.pending(finding).cloned().map(Spared::Pending);
        let in_dry_run = || {
            // What exists nowhere yet may come with the release.
            let is_sought = !finding.missing && finding.missing_host.is_some();
            let others = self.siblings.among(finding);
            let others = others.or_else(|| is_sought.then(Vec::new))?;
            Some(Spared::DryRun(others.into_iter().cloned().collect()))
        };
        pends
            .then(pending)
            .flatten()
            .or_else(|| self.dry_run.then(in_dry_run).flatten())
            .or_else(|| (self.profile == Profile::Observe).then_some(Spared::Observed))
    }

    /// What to apply before the written object, if another one can bring what is missing.
    fn order(&self, finding: &Finding) -> String {
        let Some(awaited) = &finding.awaited else {
            return String::new();
        };
        let is_reference = finding.cause == Cause::NotFound;
        let (first, change) = match (*awaited == self.write.key, is_reference) {
            (true, true) => (&finding.object, "stops using it"),
            (true, false) => (&finding.object, "changes to match"),
            (false, true) => (awaited, "adds it"),
            (false, false) => (awaited, "changes to match"),
        };
        let order = if self.siblings.among(finding).is_some() {
            "release that first"
        } else {
            "apply that first, or run the same apply again"
        };
        format!("; if {first} {change}, {order}")
    }

    /// The table for a rule without an action of its own.
    fn denies(&self, finding: &Finding, new: bool) -> bool {
        if finding.severity != Severity::Error {
            return false;
        }
        if self.profile == Profile::Strict {
            return true;
        }
        new && !finding.missing
            && (finding.is_inside(&self.write.key)
                || finding.harms_others
                || !self.is_birth(finding))
    }

    /// Whether this write creates one of the objects that the finding rests on.
    fn is_birth(&self, finding: &Finding) -> bool {
        let key = &self.write.key;
        let mut others = finding.others.iter();
        let involved = finding.object == *key || others.any(|(other, _)| other == key);
        self.write.operation == Operation::Create && involved
    }

    fn allows(&self, rule: RuleId) -> bool {
        let object = self.write.object();
        object.is_some_and(|object| object.meta.allows(rule.code, rule.name))
    }
}

/// A missing object is an error where the objects are all there are, or profile `strict` says so.
pub(super) fn raised(mut finding: Finding, complete: bool) -> Finding {
    if finding.missing && complete {
        finding.severity = Severity::Error;
    }
    finding
}
