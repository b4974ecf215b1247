//! Calls back when files change. It polls twice a second, because file events miss how a ConfigMap or Secret volume
//! swaps its links.

use std::fmt::Display;
use std::fs::Permissions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// A file that changes at every poll is read after this many.
const MAX_POLLS_UNTIL_READ: u32 = 10;

/// The state of some files when [`FileWatch::new`] was called. What is read after the call is never older.
pub struct FileWatch<L> {
    list: L,
    state: Debounce<Result<Vec<Stamp>, String>>,
}

/// What differs after a file is written or swapped.
#[derive(Clone, Debug, PartialEq)]
struct Stamp {
    path: PathBuf,
    /// The path without links.
    target: Option<PathBuf>,
    length: u64,
    modified: Option<SystemTime>,
    permissions: Option<Permissions>,
}

/// Tells a finished change from one that is still being written.
#[derive(Debug)]
struct Debounce<T> {
    /// When the files were last read.
    read: T,
    /// At the last poll.
    seen: T,
    /// How many polls in a row saw a change.
    polls: u32,
}

impl<L, E> FileWatch<L>
where
    L: Fn() -> Result<Vec<PathBuf>, E> + Send + 'static,
    E: Display,
{
    /// `list` gives the paths of the files, at every poll.
    pub fn new(list: L) -> Self {
        let state = Debounce::new(stamps(&list));
        Self { list, state }
    }

    /// Calls `reload` after every change, for as long as the runtime lives.
    pub fn spawn(mut self, mut reload: impl Fn() + Send + 'static) {
        tokio::spawn(async move {
            loop {
                sleep(POLL_INTERVAL).await;
                let polled = spawn_blocking(move || {
                    self.poll(&reload);
                    (self, reload)
                });
                match polled.await {
                    Ok(back) => (self, reload) = back,
                    // The runtime ends.
                    Err(_) => return,
                }
            }
        });
    }

    fn poll(&mut self, reload: &impl Fn()) {
        let is_due = self.state.is_due(stamps(&self.list));
        if is_due && catch_unwind(AssertUnwindSafe(reload)).is_err() {
            tracing::error!("a fault of rollout-guard: reading changed files panicked");
        }
    }
}

impl<T: Clone + PartialEq> Debounce<T> {
    fn new(read: T) -> Self {
        let seen = read.clone();
        Self {
            read,
            seen,
            polls: 0,
        }
    }

    /// Whether to read now: the files have changed, but not since the last poll; or they change for so long that
    /// waiting is worse.
    fn is_due(&mut self, now: T) -> bool {
        let changed = now != self.read;
        self.polls = if changed { self.polls + 1 } else { 0 };
        let is_due = changed && (now == self.seen || self.polls > MAX_POLLS_UNTIL_READ);
        self.seen = now;
        if is_due {
            self.polls = 0;
            self.read = self.seen.clone();
        }
        is_due
    }
}

/// An error is compared by its text: it may come and go like a file.
fn stamps<E: Display>(list: &impl Fn() -> Result<Vec<PathBuf>, E>) -> Result<Vec<Stamp>, String> {
    let paths = list().map_err(|error| error.to_string())?;
    Ok(paths.into_iter().map(Stamp::of).collect())
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let metadata = std::fs::metadata(&path).ok();
        let metadata = metadata.as_ref();
        Self {
            target: std::fs::canonicalize(&path).ok(),
            length: metadata.map_or(0, std::fs::Metadata::len),
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            permissions: metadata.map(std::fs::Metadata::permissions),
            path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_a_change_is_finished() {
        let mut state = Debounce::new(1);
        let due: Vec<bool> = [1, 2, 3, 3, 3, 4, 3, 3].map(|now| state.is_due(now)).into();
        assert_eq!(due, [false, false, false, true, false, false, false, false]);
    }

    #[test]
    fn reads_files_that_change_at_every_poll() {
        let mut state = Debounce::new(0);
        let first = (1..100).find(|now| state.is_due(*now));
        assert_eq!(first, Some(MAX_POLLS_UNTIL_READ + 1));
    }

    #[cfg(unix)]
    #[test]
    fn sees_the_links_of_a_volume_swap() {
        use std::os::unix::fs::symlink;
        let volume = tempfile::tempdir().unwrap();
        let at = |name: &str| volume.path().join(name);
        for data in ["..1", "..2"] {
            std::fs::create_dir(at(data)).unwrap();
            std::fs::write(at(data).join("tls.crt"), data).unwrap();
            let same = std::fs::File::open(at(data).join("tls.crt")).unwrap();
            same.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        symlink("..1", at("..data")).unwrap();
        symlink("..data/tls.crt", at("tls.crt")).unwrap();
        let before = Stamp::of(at("tls.crt"));
        assert_eq!(before, Stamp::of(at("tls.crt")));
        symlink("..2", at("..new")).unwrap();
        std::fs::rename(at("..new"), at("..data")).unwrap();
        assert_ne!(before, Stamp::of(at("tls.crt")));
    }
}
