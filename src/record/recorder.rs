//! Keeps reviews: takes the parts of each recording, and hands them to the writer.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::dropped::Dropped;
use super::folder::{Recording, name};
use super::options::RecordOptions;
use super::source::Source;
use super::writer::{Writer, numbers, size};
use crate::decide::Decision;
use crate::metrics::Metrics;
use crate::model::{Key, Kind};

/// Recordings that may wait to be written; more are dropped.
const MAX_WAITING: usize = 16;
/// Larger reviews are dropped: what waits is in memory.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Keeps reviews, up to the limits.
pub struct Recorder {
    source: Source,
    /// How many more may be recorded.
    left: AtomicUsize,
    recordings: mpsc::Sender<Recording>,
    dropped: Arc<Dropped>,
}

impl Recorder {
    /// Starts to record. New recordings are numbered after those that the folder holds.
    ///
    /// # Errors
    /// A folder that cannot be made or listed.
    pub fn start(
        options: &RecordOptions,
        source: Source,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Option<Self>> {
        let Some(folder) = &options.record else {
            return Ok(None);
        };
        std::fs::create_dir_all(folder)?;
        let numbers = numbers(folder)?;
        let (recordings, kept) = mpsc::channel(MAX_WAITING);
        let dropped = Arc::new(Dropped::new(Arc::clone(metrics)));
        let writer = Writer {
            folder: folder.clone(),
            next: numbers.last().map_or(1, |last| last + 1),
            left_bytes: options.record_size_limit.saturating_sub(size(folder)),
            dropped: Arc::clone(&dropped),
        };
        tokio::spawn(writer.write(kept));
        Ok(Some(Self {
            source,
            left: AtomicUsize::new(options.record_limit.saturating_sub(numbers.len())),
            recordings,
            dropped,
        }))
    }

    /// Reads the objects that the decision rests on, before the write can change them; they are written in the
    /// background. Ends at the deadline.
    pub async fn keep(&self, body: &Bytes, decision: &Decision, answer: &[u8], until: Instant) {
        let request = &decision.request;
        // Other kinds may be Secrets.
        if !request.kind.is_some_and(Kind::is_guarded) {
            return;
        }
        let kept = timeout_at(until, self.try_keep(body, decision, answer)).await;
        let kept = kept.unwrap_or_else(|_| Err("no time was left to read the cluster".to_owned()));
        if let Err(reason) = kept {
            self.dropped.one(&name(request), &reason);
        }
    }

    async fn try_keep(
        &self,
        body: &Bytes,
        decision: &Decision,
        answer: &[u8],
    ) -> Result<(), String> {
        if body.len() > MAX_BODY_BYTES {
            return Err("it is larger than 1 MiB".to_owned());
        }
        let less = |left: usize| left.checked_sub(1);
        let left = &self.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_err(|_| "the limit of recordings is reached")?;
        let objects = self.source.read(keys(decision)).await;
        let objects = objects.map_err(|error| error.to_string())?;
        let recording = Recording::new(body, decision, answer, objects);
        let recording = recording.map_err(|error| error.to_string())?;
        let waits = self.recordings.try_send(recording);
        waits.map_err(|_| "others wait to be written".to_owned())
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
