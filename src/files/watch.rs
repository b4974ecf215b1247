//! Files that change: their listing, sizes and times are looked at twice a second, because file events miss
//! the way in which a ConfigMap or Secret volume swaps its links.

use std::fs::Permissions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Some files, as they were when [`Watch::of`] looked: what is read after that is never older.
pub struct Watch<L> {
    listing: L,
    rest: Rest<Result<Vec<Stamp>, String>>,
}

/// What a file that was written or swapped shows.
#[derive(Clone, Debug, PartialEq)]
struct Stamp {
    path: PathBuf,
    /// Where the links lead.
    real: Option<PathBuf>,
    length: u64,
    modified: Option<SystemTime>,
    permissions: Option<Permissions>,
}

/// Tells a change that has come to rest from one that is still being written.
#[derive(Debug)]
struct Rest<T> {
    /// As it was last read.
    read: T,
    seen: T,
    looks: u32,
}

impl<L> Watch<L>
where
    L: Fn() -> Result<Vec<PathBuf>, String> + Send + 'static,
{
    pub fn of(listing: L) -> Self {
        let rest = Rest::of(stamps(&listing));
        Self { listing, rest }
    }

    /// Calls `reload` after every change, for as long as the runtime lives.
    pub fn spawn(mut self, reload: impl Fn() + Send + 'static) {
        tokio::spawn(async move {
            let mut reload = reload;
            loop {
                sleep(EVERY).await;
                let looked = spawn_blocking(move || {
                    self.look(&reload);
                    (self, reload)
                });
                match looked.await {
                    Ok(back) => (self, reload) = back,
                    // The runtime ends.
                    Err(_) => return,
                }
            }
        });
    }

    fn look(&mut self, reload: &impl Fn()) {
        let due = self.rest.is_due(stamps(&self.listing));
        if due && catch_unwind(AssertUnwindSafe(reload)).is_err() {
            tracing::error!("a fault of rollout-guard: reading changed files panicked");
        }
    }
}

impl<T: Clone + PartialEq> Rest<T> {
    fn of(read: T) -> Self {
        let seen = read.clone();
        Self {
            read,
            seen,
            looks: 0,
        }
    }

    /// Whether what is seen now is to be read: it has changed, and not since the look before, or it has
    /// been changing for so long that waiting is worse.
    fn is_due(&mut self, now: T) -> bool {
        let changed = now != self.read;
        self.looks = if changed { self.looks + 1 } else { 0 };
        let due = changed && (now == self.seen || self.looks > PATIENCE);
        self.seen = now;
        if due {
            self.looks = 0;
            self.read = self.seen.clone();
        }
        due
    }
}

fn stamps(listing: &impl Fn() -> Result<Vec<PathBuf>, String>) -> Result<Vec<Stamp>, String> {
    Ok(listing()?.into_iter().map(Stamp::of).collect())
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let metadata = std::fs::metadata(&path).ok();
        let metadata = metadata.as_ref();
        Self {
            real: std::fs::canonicalize(&path).ok(),
            length: metadata.map_or(0, std::fs::Metadata::len),
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            permissions: metadata.map(std::fs::Metadata::permissions),
            path,
        }
    }
}

const EVERY: Duration = Duration::from_millis(500);
/// In looks.
const PATIENCE: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_a_change_has_come_to_rest() {
        let mut rest = Rest::of(1);
        let due: Vec<bool> = [1, 2, 3, 3, 3, 4, 3, 3].map(|now| rest.is_due(now)).into();
        assert_eq!(due, [false, false, false, true, false, false, false, false]);
    }

    #[test]
    fn does_not_wait_for_ever() {
        let mut rest = Rest::of(0);
        let first = (1..100).find(|now| rest.is_due(*now));
        assert_eq!(first, Some(PATIENCE + 1));
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
