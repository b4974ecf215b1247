//! The findings of a check, as they are reported.

use crate::files::manifests::{Duplicate, File, Manifests};
use crate::source::Span;
use crate::verdict::{Finding, Severity};

/// The result of a check.
pub struct Report<'a> {
    /// In the order of files and lines; for a live cluster, of objects.
    pub findings: Vec<Reported<'a>>,
    pub duplicates: Vec<Duplicate<'a>>,
    /// `None` for a live cluster.
    pub manifests: Option<&'a Manifests>,
    /// The number of objects of a kind that rules read.
    pub objects: usize,
}

/// A finding and its position.
pub struct Reported<'a> {
    pub finding: Finding,
    pub file: Option<&'a File>,
    pub file_index: usize,
    pub span: Span,
}

impl Report<'_> {
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning) + self.duplicates.len()
    }

    fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|reported| reported.finding.severity == severity)
            .count()
    }
}
