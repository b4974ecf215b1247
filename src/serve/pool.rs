//! The threads and the memory that reviews may take. Small and large reviews have their own, so that a few large
//! ones, whoever sends them, do not delay the others. A small review is decided on the thread that has read it: to
//! wake another thread, and to be woken by it, would cost more than most decisions.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::limits::Limits;

/// Nearly all reviews are smaller.
const MAX_SMALL_BYTES: usize = 256 << 10;
/// Memory is reserved in pages.
const PAGE_BYTES: usize = 1 << 10;

/// Small and large reviews.
pub(super) struct Pool {
    small: Lane,
    large: Lane,
}

/// The threads and the memory of one size of reviews. Both are given in the order in which reviews ask.
#[derive(Clone)]
pub(super) struct Lane {
    kind: LaneKind,
    threads: Arc<Semaphore>,
    pages: Arc<Semaphore>,
}

/// Where the reviews of a lane are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LaneKind {
    /// On a thread of the webhook, of which there is one more than reviews at a time: so one is left for the network.
    Small,
    /// On a thread on which nothing waits for the network.
    Large,
}

/// The right to keep a body in memory.
pub(super) struct Memory(OwnedSemaphorePermit);

/// The right to use a thread.
pub(super) struct Thread {
    lane: LaneKind,
    permit: OwnedSemaphorePermit,
}

impl Pool {
    /// The largest body always fits in.
    pub fn new(limits: &Limits) -> Self {
        let large = limits.body_memory.max(limits.body_limit);
        let small = (limits.body_memory / 2).max(MAX_SMALL_BYTES);
        Self {
            small: Lane::new(LaneKind::Small, limits.parallel_reviews, small),
            large: Lane::new(LaneKind::Large, limits.parallel_reviews / 2, large),
        }
    }

    /// The lane of bodies of this length.
    pub fn lane(&self, length: usize) -> &Lane {
        if length <= MAX_SMALL_BYTES {
            &self.small
        } else {
            &self.large
        }
    }
}

impl Lane {
    fn new(kind: LaneKind, threads: usize, bytes: usize) -> Self {
        Self {
            kind,
            threads: Arc::new(Semaphore::new(threads.max(1))),
            pages: Arc::new(Semaphore::new(pages(bytes) as usize)),
        }
    }

    /// Waits until there is memory for a body of this length.
    pub async fn memory(&self, length: usize) -> Option<Memory> {
        let pages = Arc::clone(&self.pages).acquire_many_owned(pages(length));
        pages.await.ok().map(Memory)
    }

    /// Waits until there is a thread.
    pub async fn thread(&self) -> Option<Thread> {
        let permit = Arc::clone(&self.threads).acquire_owned().await.ok()?;
        let lane = self.kind;
        Some(Thread { lane, permit })
    }
}

impl Thread {
    /// Does the work on the thread. A panic goes on in the caller; `None`: the process ends.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if self.lane == LaneKind::Small {
            return Some(work());
        }
        let done = spawn_blocking(move || {
            let done = work();
            drop(self.permit);
            done
        });
        match done.await {
            Ok(done) => Some(done),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

impl Memory {
    /// Gives back what a shorter body does not need.
    pub fn shrink(&mut self, length: usize) {
        let spare = self.0.num_permits().saturating_sub(pages(length) as usize);
        drop(self.0.split(spare));
    }
}

fn pages(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PAGE_BYTES)).unwrap_or(u32::MAX >> 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const LARGE_BYTES: usize = MAX_SMALL_BYTES + 1;

    fn pool() -> Pool {
        let limits = Limits {
            parallel_reviews: 2,
            body_memory: 4 * LARGE_BYTES,
            body_limit: LARGE_BYTES,
            ..Limits::default()
        };
        Pool::new(&limits)
    }

    #[tokio::test]
    async fn large_reviews_leave_threads_and_memory_to_small_ones() {
        let pool = pool();
        let large = pool.lane(LARGE_BYTES);
        let mut bodies = Vec::new();
        for _ in 0..4 {
            bodies.push(large.memory(LARGE_BYTES - PAGE_BYTES).await.unwrap());
        }
        let small = pool.lane(100);
        assert!(small.memory(100).await.is_some());
        let _busy = large.thread().await;
        let soon = Duration::from_millis(10);
        let waits = |waited: Result<_, _>| waited.is_err();
        assert!(waits(
            tokio::time::timeout(soon, large.thread()).await.map(drop)
        ));
        assert_eq!(small.thread().await.unwrap().run(|| 1).await, Some(1));
        let more = large.memory(LARGE_BYTES);
        assert!(waits(tokio::time::timeout(soon, more).await.map(drop)));
        bodies[0].shrink(0);
        bodies[1].shrink(0);
        assert!(large.memory(LARGE_BYTES).await.is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn runs_no_more_at_a_time_than_it_may() {
        let (pool, running, most) = (pool(), AtomicUsize::new(0), AtomicUsize::new(0));
        let (running, most) = (Arc::new(running), Arc::new(most));
        let reviews = (0..20).map(|_| {
            let (lane, running, most) = (
                pool.lane(0).clone(),
                Arc::clone(&running),
                Arc::clone(&most),
            );
            tokio::spawn(async move {
                let review = move || {
                    most.fetch_max(
                        running.fetch_add(1, Ordering::Relaxed) + 1,
                        Ordering::Relaxed,
                    );
                    std::thread::sleep(Duration::from_millis(2));
                    running.fetch_sub(1, Ordering::Relaxed);
                };
                lane.thread().await.unwrap().run(review).await
            })
        });
        futures_util::future::join_all(reviews).await;
        assert_eq!(most.load(Ordering::Relaxed), 2);
    }
}
