//! Writes the folders of recordings, one after the other.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use walkdir::WalkDir;

use super::dropped::Dropped;
use super::folder::Recording;

/// Writes one recording after the other, in the background.
pub(super) struct Writer {
    pub folder: PathBuf,
    /// The number of the next recording.
    pub next: usize,
    /// How much more may be written.
    pub left_bytes: u64,
    pub dropped: Arc<Dropped>,
}

impl Writer {
    pub async fn write(mut self, mut kept: mpsc::Receiver<Recording>) {
        while let Some(recording) = kept.recv().await {
            let (number, name) = (self.next, recording.name.clone());
            let place = self.folder.join(format!("{number:05}-{name}"));
            let left = self.left_bytes;
            let written = spawn_blocking(move || recording.write(&place, left)).await;
            match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(Some(bytes)) => {
                    self.next += 1;
                    self.left_bytes -= bytes;
                    self.dropped.none();
                }
                Ok(None) => self.dropped.one(&name, "the folder has reached its size"),
                Err(error) => self.dropped.one(&name, &error.to_string()),
            }
        }
    }
}

/// The numbers of the recordings in the folder.
pub(super) fn numbers(folder: &Path) -> io::Result<BTreeSet<usize>> {
    let mut numbers = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        // One that was being written when the process ended begins with a dot.
        let name = name.to_string_lossy();
        let number = name.trim_start_matches('.').split('-').next();
        let number = number.and_then(|number| number.parse::<usize>().ok());
        numbers.extend(number);
    }
    Ok(numbers)
}

/// The bytes of all files in the folder.
pub(super) fn size(folder: &Path) -> u64 {
    let files = WalkDir::new(folder).into_iter().flatten();
    let sizes = files.filter_map(|file| file.metadata().ok().filter(std::fs::Metadata::is_file));
    sizes.map(|file| file.len()).sum()
}
