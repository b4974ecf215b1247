//! Whether this replica is ready and alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

pub const BROKEN: &str = "a part of this process has failed; see its log\n";

/// What must be true before requests may be sent to this replica.
#[derive(Debug, Default)]
pub struct Readiness {
    certificate_loaded: AtomicBool,
    cluster_read: watch::Sender<bool>,
    draining: AtomicBool,
    broken: AtomicBool,
}

/// Runs a task that the process cannot do without. If it panics, `/livez` asks for a restart.
pub fn spawn_supervised(
    name: &'static str,
    readiness: &Arc<Readiness>,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let readiness = Arc::clone(readiness);
    let task = tokio::spawn(task);
    tokio::spawn(async move {
        if task.await.is_err_and(|error| error.is_panic()) {
            tracing::error!(task = name, "a fault of rollout-guard: a task panicked");
            readiness.set_broken();
        }
    });
}

impl Readiness {
    pub fn certificate_loaded(&self) {
        self.certificate_loaded.store(true, Ordering::Relaxed);
    }

    /// All manifests are read, or every watch has its first list.
    pub fn cluster_read(&self) {
        self.cluster_read.send_replace(true);
    }

    pub async fn until_cluster_is_read(&self) {
        // Fails only if the sender is gone, which is a field of this.
        let _ = self.cluster_read.subscribe().wait_for(|read| *read).await;
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A supervised task has panicked. Only a restart helps, and `/livez` asks for it.
    fn set_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Why this replica is not ready, as a line of text.
    pub fn not_ready_reason(&self) -> Option<&'static str> {
        if self.is_broken() {
            Some(BROKEN)
        } else if self.draining.load(Ordering::Relaxed) {
            Some("ending\n")
        } else if !self.certificate_loaded.load(Ordering::Relaxed) {
            Some("no certificate yet\n")
        } else if !*self.cluster_read.borrow() {
            Some("the cluster is not read yet\n")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_between_start_and_end() {
        let readiness = Readiness::default();
        assert_eq!(readiness.not_ready_reason(), Some("no certificate yet\n"));
        readiness.certificate_loaded();
        assert_eq!(
            readiness.not_ready_reason(),
            Some("the cluster is not read yet\n")
        );
        readiness.cluster_read();
        assert_eq!(readiness.not_ready_reason(), None);
        readiness.drain();
        assert_eq!(readiness.not_ready_reason(), Some("ending\n"));
    }

    #[tokio::test]
    async fn a_supervised_task_that_panics_asks_for_a_restart() {
        let readiness = Arc::new(Readiness::default());
        spawn_supervised("test", &readiness, async {});
        spawn_supervised("test", &readiness, async { panic!("on purpose") });
        tokio::time::timeout(std::time::Duration::from_secs(10), async {
            while !readiness.is_broken() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert_eq!(readiness.not_ready_reason(), Some(BROKEN));
    }
}
