//! Labels and units that several metrics share.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;

use crate::decide::{Action, Judged, Mutated, Spared};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabels {
    pub kind: &'static str,
}

/// Seconds since the epoch.
pub(super) fn seconds_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// What became of a finding.
pub(super) fn action_of(judged: &Judged) -> &'static str {
    match judged.action {
        Action::Deny => "deny",
        Action::Warn => judged.spared.as_ref().map_or("warn", Spared::as_str),
    }
}

/// What became of a patch.
pub(super) fn action_of_patch(mutated: &Mutated) -> &'static str {
    if mutated.observed {
        "would-patch"
    } else {
        "patch"
    }
}
