//! Texts that an editor holds, and that may not be saved yet.

use std::path::{Component, Path, PathBuf};

use super::surroundings::Surroundings;
use super::walk::is_manifest;

/// Whether a walk through the folder would read a file at this path as a manifest.
pub fn is_read(path: &Path, folder: &Path) -> bool {
    let Ok(below) = path.strip_prefix(folder) else {
        return false;
    };
    let is_hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b"..");
    is_manifest(path)
        && !below.components().any(is_hidden)
        && Surroundings::default().unfinished(&real(path)).is_none()
}

/// The path without links before its name; the file may not be there yet.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
