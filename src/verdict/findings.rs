//! The list to which a rule adds its findings.

use super::finding::{Cause, Digest, Finding, RuleId, Severity};
use super::message_parts::Message;
use crate::field::Path;
use crate::model::Key;

/// Findings of one rule on one object that are listed.
const MAX_LISTED: usize = 100;

/// The findings of one rule.
pub struct Findings<'a> {
    rule: RuleId,
    list: &'a mut Vec<Finding>,
    /// What is kept of the findings behind the first ones, for a write of the object; `None`: the list holds all.
    rest: Option<(&'a mut Vec<Digest>, &'a Key)>,
}

impl<'a> Findings<'a> {
    pub fn of(rule: RuleId, list: &'a mut Vec<Finding>) -> Self {
        let rest = None;
        Self { rule, list, rest }
    }

    /// Lists only the first, the last, and for the others a digest.
    pub fn first_of(
        rule: RuleId,
        list: &'a mut Vec<Finding>,
        rest: (&'a mut Vec<Digest>, &'a Key),
    ) -> Self {
        let rest = Some(rest);
        Self { rule, list, rest }
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
        if let Some((rest, written)) = &mut self.rest
            && self.list.len() > MAX_LISTED
        {
            rest.extend(self.list.pop().map(|last| last.digest(written)));
        }
        self.list.push(Finding {
            rule: self.rule,
            severity,
            object: object.clone(),
            path,
            subject: String::new(),
            host: None,
            message,
            help: String::new(),
            cause: Cause::Invalid,
            missing: false,
            missing_host: None,
            sought: None,
            awaited: None,
            pending: false,
            harms_others: false,
            denies_only: Vec::new(),
            mutual: false,
            remedy: None,
            others: Vec::new(),
        });
        let last = self.list.len() - 1;
        #[allow(clippy::indexing_slicing)] // the element was pushed just now
        &mut self.list[last]
    }
}
