//! Reads of the API server that the reviews under way share: how many run at a time, and which review may use which.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use kube::Error;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::model::{Key, Kind, Object};

/// Of the whole process.
const MAX_PARALLEL_READS: usize = 8;
/// Above it, reads that no review holds any more are forgotten.
const MAX_REMEMBERED: usize = 256;

/// What one read asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Object(Key),
    /// All objects of a kind in a namespace.
    Namespace(Kind, Arc<str>),
}

/// The objects that were found, or why they cannot be read.
pub(super) type Found = Result<Arc<[Object]>, Arc<Error>>;
/// A read that is cancelled when the last review that shares it is answered.
pub(super) type Read = Shared<BoxFuture<'static, Found>>;

/// The reads of the reviews under way. Clones share them.
#[derive(Clone)]
pub(super) struct SharedReads {
    permits: Arc<Semaphore>,
    open: Arc<Mutex<HashMap<Target, OpenRead>>>,
}

struct OpenRead {
    read: WeakShared<BoxFuture<'static, Found>>,
    /// Empty while the read waits for its turn.
    started: Arc<OnceLock<Instant>>,
}

struct AbortOnDrop(AbortHandle);

impl SharedReads {
    pub fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_PARALLEL_READS)),
            open: Arc::default(),
        }
    }

    /// The read of the target that another review has begun, or else a new one, and whether it is new. A read that
    /// started before this review arrived may be older than the write that the review is about, so it is not shared.
    pub fn join<F>(&self, target: &Target, arrived: Instant, read: F) -> (Read, bool)
    where
        F: Future<Output = Result<Vec<Object>, Error>> + Send + 'static,
    {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = open.get(target).and_then(|open| open.usable(arrived)) {
            return (read, false);
        }
        let started = Arc::default();
        let read = self.spawn(Arc::clone(&started), read);
        if open.len() >= MAX_REMEMBERED {
            open.retain(|_, open| open.read.upgrade().is_some());
        }
        if let Some(read) = read.downgrade() {
            open.insert(target.clone(), OpenRead { read, started });
        }
        (read, true)
    }

    /// Waits for a turn, for a read that is not shared.
    pub async fn turn<T>(&self, read: impl Future<Output = T>) -> T {
        // Never closed.
        let _permit = self.permits.acquire().await;
        read.await
    }

    /// A task of its own, so that it goes on whichever review waits for it.
    fn spawn<F>(&self, started: Arc<OnceLock<Instant>>, read: F) -> Read
    where
        F: Future<Output = Result<Vec<Object>, Error>> + Send + 'static,
    {
        let reads = self.clone();
        let task = tokio::spawn(async move {
            let read = async {
                started.get_or_init(Instant::now);
                read.await
            };
            reads.turn(read).await
        });
        let abort = AbortOnDrop(task.abort_handle());
        let found = async move {
            let _abort = abort;
            let read = task.await;
            let read = read.unwrap_or_else(|error| Err(Error::Service(error.into())));
            read.map(Arc::from).map_err(Arc::new)
        };
        found.boxed().shared()
    }
}

impl OpenRead {
    fn usable(&self, arrived: Instant) -> Option<Read> {
        let is_late = self.started.get().is_some_and(|start| *start < arrived);
        let read = self.read.upgrade().filter(|_| !is_late)?;
        let failed = read.peek().is_some_and(Result::is_err);
        (!failed).then_some(read)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::{advance, sleep};

    const LATENCY: Duration = Duration::from_millis(300);

    fn target(name: &str) -> Target {
        Target::Object(Key::new(Kind::Service, "ns", name))
    }

    #[tokio::test(start_paused = true)]
    async fn shares_a_read_with_reviews_that_arrived_before_it() {
        let reads = SharedReads::new();
        let early = Instant::now();
        let read = || async { Ok(Vec::new()) };
        let (first, is_new) = reads.join(&target("a"), early, read());
        assert!(is_new);
        advance(LATENCY).await;
        // It has not started, so it is not older than this review.
        let late = Instant::now();
        assert!(!reads.join(&target("a"), late, read()).1);
        first.clone().await.unwrap();
        assert!(!reads.join(&target("a"), early, read()).1, "it is done");
        advance(LATENCY).await;
        let (_, is_new) = reads.join(&target("a"), Instant::now(), read());
        assert!(is_new, "the read is older than the review");
        drop(first);
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_a_read_that_failed_or_that_nobody_holds() {
        let reads = SharedReads::new();
        let now = Instant::now();
        let fails = async { Err(Error::Service("broken".into())) };
        let (failed, _) = reads.join(&target("a"), now, fails);
        failed.clone().await.unwrap_err();
        let (read, is_new) = reads.join(&target("a"), now, async { Ok(Vec::new()) });
        assert!(is_new);
        drop(read);
        assert!(reads.join(&target("a"), now, async { Ok(Vec::new()) }).1);
    }

    #[tokio::test(start_paused = true)]
    async fn runs_eight_at_a_time_and_cancels_what_nobody_waits_for() {
        let reads = SharedReads::new();
        let join = |index: usize| {
            let slow = async {
                sleep(LATENCY).await;
                Ok(Vec::new())
            };
            reads
                .join(&target(&index.to_string()), Instant::now(), slow)
                .0
        };
        let start = Instant::now();
        let hold: Vec<Read> = (0..20).map(join).collect();
        let last = hold.last().unwrap().clone();
        last.await.unwrap();
        assert_eq!(start.elapsed(), 3 * LATENCY);
        let unwanted: Vec<Read> = (20..40).map(join).collect();
        sleep(LATENCY / 2).await;
        drop(unwanted);
        join(40).await.unwrap();
        let took = start.elapsed();
        assert_eq!(took, 4 * LATENCY + LATENCY / 2);
    }
}
