//! Findings that a rule does not list, because there are too many on one object.

use std::collections::HashMap;

use crate::model::Key;
use crate::verdict::{Digest, Finding, Severity, message};

/// Compares findings that are not all listed by their digests. A listed one that was there before is added to
/// `earlier`; the new ones that are not listed become one finding, so that none of them passes.
pub(super) fn complete(
    findings: &mut Vec<Finding>,
    earlier: &mut Vec<Finding>,
    (rest, earlier_rest): (Vec<Digest>, Vec<Digest>),
    written: &Key,
) {
    let digest = |finding: &Finding| finding.digest(written);
    let mut before: HashMap<u64, Severity> = HashMap::new();
    for (digest, severity) in earlier.iter().map(digest).chain(earlier_rest) {
        let worst = before.entry(digest).or_insert(severity);
        *worst = severity.min(*worst);
    }
    let was_there = |(digest, severity): Digest| {
        before
            .get(&digest)
            .is_some_and(|earlier| *earlier <= severity)
    };
    let listed = findings.iter().filter(|finding| was_there(digest(finding)));
    earlier.extend(listed.cloned());
    let new = rest.iter().filter(|digest| !was_there(**digest));
    let errors = new.filter(|(_, severity)| *severity == Severity::Error);
    let count = errors.count();
    if let Some(last) = findings.last().filter(|_| count > 0) {
        let mut more = last.clone();
        more.severity = Severity::Error;
        more.message = message!("{}: {count} more such faults are new", last.object);
        more.subject("more");
        more.host = None;
        more.missing = false;
        more.denies_only = Vec::new();
        more.remedy = None;
        findings.push(more);
    }
}
