//! `serve --record DIR`: keeps each review with the objects that were read for it and its answer, so that
//! `rollout-guard review` can answer it again, or a test.

#![allow(clippy::disallowed_methods)]

mod folder;
mod redact;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use self::folder::{Recording, name};
use crate::decide::Decision;
use crate::files::manifests::Manifests;
use crate::live::Reader;
use crate::model::{Key, Kind};

/// Whether reviews are kept, and how many.
#[derive(Args, Clone, Debug)]
pub struct RecordOptions {
    /// Folder in which the reviews are kept that come, without secrets, to be asked again by `review`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How many reviews the folder may hold
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "record")]
    pub record_limit: usize,
}

/// Keeps reviews, up to the limit.
pub struct Recorder {
    source: Source,
    /// How many more may be recorded.
    left: AtomicUsize,
    recordings: mpsc::Sender<Recording>,
}

pub enum Source {
    Live(Reader),
    Files {
        paths: Vec<PathBuf>,
        namespace: String,
    },
}

impl Recorder {
    /// Starts to record. New recordings are numbered after those that the folder holds.
    ///
    /// # Errors
    /// A folder that cannot be made or listed.
    pub fn start(options: &RecordOptions, source: Source) -> std::io::Result<Option<Self>> {
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
        let recording = read.and_then(|objects| {
            let recording = Recording::new(body, decision, answer, objects);
            recording.map_err(|error| error.to_string())
        });
        let recording = match recording {
            Ok(recording) => recording,
            Err(error) => {
                tracing::warn!("{} is not recorded: {error}", name(request));
                return;
            }
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

impl Source {
    async fn read(&self, keys: BTreeSet<Key>) -> Result<Vec<Value>, String> {
        match self {
            Source::Live(reader) => {
                let read = reader.whole(keys).await;
                read.map_err(|error| error.to_string())
            }
            Source::Files { paths, namespace } => {
                let (paths, namespace) = (paths.clone(), namespace.clone());
                let read = spawn_blocking(move || of_files(&paths, &namespace, &keys)).await;
                read.unwrap_or_else(|error| Err(error.to_string()))
            }
        }
    }
}

fn of_files(
    paths: &[PathBuf],
    namespace: &str,
    keys: &BTreeSet<Key>,
) -> Result<Vec<Value>, String> {
    let manifests = Manifests::read(paths, namespace).map_err(|error| error.to_string())?;
    let documents = manifests.by_key();
    let named = keys.iter().filter_map(|key| {
        let mut object = documents.get(key)?.node.to_value();
        if let Some(Value::Object(meta)) = object.get_mut("metadata")
            && !key.namespace.is_empty()
        {
            meta.insert("namespace".to_owned(), key.namespace.to_string().into());
        }
        Some(object)
    });
    Ok(named.collect())
}

/// Writes one recording after the other, in the background.
struct Writer {
    folder: PathBuf,
    next: usize,
}

impl Writer {
    async fn write(mut self, mut kept: mpsc::Receiver<Recording>) {
        while let Some(recording) = kept.recv().await {
            let place = self
                .folder
                .join(format!("{:05}-{}", self.next, recording.name));
            self.next += 1;
            let name = recording.name.clone();
            let written = spawn_blocking(move || recording.write(&place)).await;
            if let Err(error) = written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                tracing::warn!("{name} is not recorded: {error}");
            }
        }
    }
}

/// The numbers of the recordings in the folder.
fn numbers(folder: &Path) -> std::io::Result<BTreeSet<usize>> {
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

/// Recordings that may wait to be written; more are dropped.
const MAX_WAITING: usize = 64;
