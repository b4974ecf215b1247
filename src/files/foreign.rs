//! Texts that cannot be parsed and are no manifests: templates, and JSON of another kind.

use std::path::Path;

/// Whether a text that cannot be parsed is one that a tool renders first: it has a `{{` outside of quotes and
/// comments.
pub(super) fn is_template(text: &str) -> bool {
    let mut lines = text.lines().filter_map(|line| line.split_once("{{"));
    lines.any(|(before, _)| !before.contains(['"', '\'', '`', '#']))
}

/// Whether a text that cannot be parsed is JSON of another kind, such as a `tsconfig.json` with comments.
pub(super) fn is_foreign(path: &Path, text: &str) -> bool {
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    is_json && !text.contains("apiVersion") && !text.contains("kind")
}
