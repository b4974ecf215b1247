//! Keeps reviews: takes the parts of each recording, and hands them to the writer.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::folder::{Recording, name};
use super::options::RecordOptions;
use super::source::Source;
use super::writer::{Writer, numbers};
use crate::decide::Decision;
use crate::model::{Key, Kind};

/// Recordings that may wait to be written; more are dropped.
const MAX_WAITING: usize = 64;

/// Keeps reviews, up to the limit.
pub struct Recorder {
    source: Source,
    /// How many more may be recorded.
    left: AtomicUsize,
    recordings: mpsc::Sender<Recording>,
}

impl Recorder {
    /// Starts to record. New recordings are numbered after those that the folder holds.
    ///
    /// # Errors
    /// A folder that cannot be made or listed.
    pub fn start(options: &RecordOptions, source: Source) -> io::Result<Option<Self>> {
        let Some(folder) = &options.record else {
            return Ok(None);
        };
        std::fs::create_dir_all(folder)?;
        let numbers = numbers(folder)?;
        let (recordings, kept) = mpsc::channel(MAX_WAITING);
        let writer = Writer {
            folder: folder.clone(),
            next: numbers.last().map_or(1, |last| last + 1),
        };
        tokio::spawn(writer.write(kept));
        Ok(Some(Self {
            source,
            left: AtomicUsize::new(options.record_limit.saturating_sub(numbers.len())),
            recordings,
        }))
    }

    /// Reads the objects that the decision rests on, before the write can change them; they are written in the
    /// background.
    pub async fn keep(&self, body: &[u8], decision: &Decision, answer: &[u8]) {
        let request = &decision.request;
        // Other kinds may be Secrets.
        if !request.kind.is_some_and(Kind::is_guarded) || !self.may_record() {
            return;
        }
        let read = self.source.read(keys(decision)).await;
        let name = name(request);
        let objects = match read {
            Ok(objects) => objects,
            Err(error) => return tracing::warn!("{name} is not recorded: {error}"),
        };
        let recording = match Recording::new(body, decision, answer, objects) {
            Ok(recording) => recording,
            Err(error) => return tracing::warn!("{name} is not recorded: {error}"),
        };
        if let Err(error) = self.recordings.try_send(recording) {
            let name = error.into_inner().name;
            tracing::warn!("{name} is not recorded: others wait to be written");
        }
    }

    fn may_record(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let Ok(left) = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        else {
            return false;
        };
        if left == 1 {
            tracing::warn!("the limit of recordings is reached: this review is the last");
        }
        true
    }
}

/// The objects that were read, and what decides about them: the written object and its Namespace.
fn keys(decision: &Decision) -> BTreeSet<Key> {
    let request = &decision.request;
    let reads = decision.reads.iter();
    let mut keys: BTreeSet<Key> = reads.filter_map(|fact| fact.key().cloned()).collect();
    keys.insert(Key::new(Kind::Namespace, "", &request.namespace));
    if let Some(kind) = request.kind.filter(|_| !request.name.is_empty()) {
        keys.insert(Key::new(kind, &request.namespace, &request.name));
    }
    keys
}
