//! One of several faults that a rule may find in a Rollout's own text, before it is a finding.

use crate::cluster::Flow;
use crate::field::Path;
use crate::verdict::{Finding, Findings};

/// Told as `<Rollout> <what> in <path><why>`.
pub struct Fault {
    pub path: Path,
    pub subject: String,
    /// What the Rollout has or does there: `has weight 120`.
    pub what: String,
    /// What is wrong with that: `, which is not from 0 to 100`.
    pub why: String,
    pub help: String,
}

impl Fault {
    pub fn report<'a>(self, flow: &Flow<'_>, found: &'a mut Findings<'_>) -> &'a mut Finding {
        let message = format!(
            "{} {} in `{}`{}",
            flow.key(),
            self.what,
            self.path,
            self.why
        );
        let finding = found.error(flow.key(), self.path, message);
        finding.subject(self.subject).help(self.help)
    }
}
