//! Work on all cores.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, available_parallelism, scope};

/// How many items a thread takes at a time.
const BATCH: usize = 32;

/// The results in the order of the items. Each thread has a state of its own, which `start` makes.
pub fn in_parallel<T: Sync, R: Send, S>(
    items: &[T],
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut state = start();
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = items.get(from..).filter(|rest| !rest.is_empty()) else {
                return done;
            };
            let results = batch.iter().take(BATCH).map(|item| work(&mut state, item));
            done.push((from, results.collect::<Vec<_>>()));
        }
    };
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = cores.min(items.len().div_ceil(BATCH));
    let mut done = scope(|scope| {
        let spawn = |_| Builder::new().spawn_scoped(scope, run).ok();
        // A thread that cannot be started leaves its share to the others.
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(from, _)| *from);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order() {
        for count in [0, 1, 31, 32, 33, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = in_parallel(&items, || (), |(), item| item * 2);
            let expected: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(doubled, expected);
        }
    }
}
