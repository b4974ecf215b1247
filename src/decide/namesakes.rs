//! Where a Service exists that a finding does not find.

use std::fmt::Write;

use crate::cluster::View;
use crate::verdict::Finding;

/// How many Services a help names.
const MAX_SERVICES: usize = 3;

/// Adds the Services of the same name in other namespaces to the help. No rule does this: the audit would have to
/// judge whoever names a Service again, at each write of a Service of that name anywhere.
pub(super) fn add_namesakes(finding: &mut Finding, view: &View<'_>) {
    let Some(service) = &finding.sought else {
        return;
    };
    let namesakes = view.namesakes(service, MAX_SERVICES);
    let names: Vec<String> = namesakes.iter().map(ToString::to_string).collect();
    let verb = match names.len() {
        0 => return,
        1 => "exists",
        _ => "exist",
    };
    let _ = write!(finding.help, "; {} {verb}", names.join(", "));
}
