//! Whether requests may be sent here, and the tasks without which the guard is blind or mute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Whether requests may be sent here.
#[derive(Debug, Default)]
pub struct Readiness {
    certificate: AtomicBool,
    cluster: watch::Sender<bool>,
    draining: AtomicBool,
    broken: AtomicBool,
}

/// Runs a task without which the guard is blind or mute, and says so if it panics.
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
            readiness.breaks();
        }
    });
}

impl Readiness {
    pub fn certificate_loaded(&self) {
        self.certificate.store(true, Ordering::Relaxed);
    }

    /// The manifests are read; of a live cluster: every watch has its first list.
    pub fn cluster_read(&self) {
        self.cluster.send_replace(true);
    }

    pub async fn until_cluster_is_read(&self) {
        // The sender is this one.
        let _ = self.cluster.subscribe().wait_for(|read| *read).await;
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A task without which the guard is blind or mute has died: only a restart helps, and `/livez` asks
    /// for it.
    pub fn breaks(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// A line that says why requests may not be sent here.
    pub fn missing(&self) -> Option<&'static str> {
        if self.is_broken() {
            Some(BROKEN)
        } else if self.draining.load(Ordering::Relaxed) {
            Some("ending\n")
        } else if !self.certificate.load(Ordering::Relaxed) {
            Some("no certificate yet\n")
        } else if !*self.cluster.borrow() {
            Some("the cluster is not read yet\n")
        } else {
            None
        }
    }
}

pub const BROKEN: &str = "a part of this process has failed; see its log\n";
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_between_start_and_end() {
        let readiness = Readiness::default();
        assert_eq!(readiness.missing(), Some("no certificate yet\n"));
        readiness.certificate_loaded();
        assert_eq!(readiness.missing(), Some("the cluster is not read yet\n"));
        readiness.cluster_read();
        assert_eq!(readiness.missing(), None);
        readiness.drain();
        assert_eq!(readiness.missing(), Some("ending\n"));
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
        assert_eq!(readiness.missing(), Some(BROKEN));
    }
}
