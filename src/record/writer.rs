//! Writes the folders of recordings, one after the other.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::folder::Recording;

/// Writes one recording after the other, in the background.
pub(super) struct Writer {
    pub folder: PathBuf,
    /// The number of the next recording.
    pub next: usize,
}

impl Writer {
    pub async fn write(mut self, mut kept: mpsc::Receiver<Recording>) {
        while let Some(recording) = kept.recv().await {
            let place = self
                .folder
                .join(format!("{:05}-{}", self.next, recording.name));
            self.next += 1;
            let name = recording.name.clone();
            let written = spawn_blocking(move || recording.write(&place)).await;
            if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                tracing::warn!("{name} is not recorded: {error}");
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
