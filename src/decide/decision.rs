//! What becomes of a finding: the decision table, rule actions, the `allow` annotation, profiles.

use crate::model::{Change, Operation};
use crate::settings::{Profile, RuleAction, Settings};
use crate::verdict::{Action, Finding, Judged, RuleId, Severity};

/// What becomes of each finding of one write.
pub(super) struct Decision<'a> {
    pub change: &'a Change<'a>,
    pub settings: &'a Settings,
    pub profile: Profile,
}

impl<'a> Decision<'a> {
    pub fn decide(&self, finding: Finding, new: bool) -> Option<Judged> {
        let action = self.settings.action(finding.rule);
        if action == Some(RuleAction::Off) {
            return None;
        }
        let finding = raised(finding, self.profile == Profile::Strict);
        let denies = match action {
            Some(RuleAction::Deny) => new,
            Some(RuleAction::Warn) => false,
            _ => self.denies(&finding, new),
        };
        let denies = denies && !self.allows(finding.rule);
        let observed = self.profile == Profile::Observe;
        Some(Judged {
            finding,
            action: if denies && !observed {
                Action::Deny
            } else {
                Action::Warn
            },
            would_deny: denies && observed,
        })
    }

    /// The decision table, for a rule without an action of its own.
    fn denies(&self, finding: &Finding, new: bool) -> bool {
        if finding.severity != Severity::Error {
            return false;
        }
        if self.profile == Profile::Strict {
            return true;
        }
        new && !finding.missing
            && (finding.is_inside(self.change.key)
                || finding.harms_others
                || !self.is_birth(finding))
    }

    /// Whether this write creates one of the objects that the finding rests on.
    fn is_birth(&self, finding: &Finding) -> bool {
        let key = self.change.key;
        let mut others = finding.others.iter();
        let involved = finding.object == *key || others.any(|(other, _)| other == key);
        self.change.operation == Operation::Create && involved
    }

    fn allows(&self, rule: RuleId) -> bool {
        let object = self.change.new.or(self.change.old);
        object.is_some_and(|object| object.meta().allows(rule.code, rule.name))
    }

    /// The words of the `allow` annotation, on DELETE those of the old object.
    pub fn allowed(&self) -> &'a [String] {
        let object = self.change.new.or(self.change.old);
        object.map_or(&[], |object| object.meta().allow.as_slice())
    }
}

/// A missing object is an error where the objects are all there are, or profile `strict` says so.
pub(super) fn raised(mut finding: Finding, complete: bool) -> Finding {
    if finding.missing && complete {
        finding.severity = Severity::Error;
    }
    finding
}
