//! `check --diff-base`: the findings that a git revision has too.

use std::collections::HashMap;

use super::error::Error;
use super::inputs::Inputs;
use super::report::{Report, entries, retain};
use crate::files::manifests::Manifests;
use crate::verdict::Severity;

/// The fingerprints of what the revision has, each with the worst severity.
pub struct Baseline {
    revision: String,
    known: HashMap<String, Severity>,
}

impl Baseline {
    /// Judges the inputs as they were in the revision.
    pub fn of(
        inputs: &Inputs,
        revision: &str,
        namespace: &str,
        check: impl Fn(&Manifests) -> Report<'_>,
    ) -> Result<Self, Error> {
        if inputs.reads_stdin() {
            return Err(Error::NoRevision);
        }
        let (_files, before) = inputs.at(revision)?;
        let manifests = before.collect(namespace);
        let mut known = HashMap::new();
        for entry in entries(&check(&manifests)) {
            known.insert(entry.fingerprint, entry.severity);
        }
        Ok(Self {
            revision: revision.to_owned(),
            known,
        })
    }

    /// Leaves what is new, or was a warning and is an error now.
    pub fn subtract_from(&self, report: &mut Report<'_>) {
        let count = |report: &Report<'_>| report.errors() + report.warnings();
        let all = count(report);
        retain(report, |entry| {
            let known = self.known.get(&entry.fingerprint);
            // An error sorts before a warning.
            known.is_none_or(|known| *known > entry.severity)
        });
        let old = all - count(report);
        if old > 0 {
            let revision = &self.revision;
            let note = format!("{old} findings that {revision} has too are not reported");
            report.notes.push(note);
        }
    }
}
