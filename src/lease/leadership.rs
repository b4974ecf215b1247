//! This replica's part in the election.

use std::sync::Arc;

use kube::{Api, Client};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::candidate::Candidate;
use super::election::Election;
use crate::last_error::LastError;
use crate::metrics::Metrics;

/// A Lease by its name.
pub struct Lease {
    pub client: Client,
    pub namespace: String,
    pub name: String,
}

/// A running candidate. If it is dropped, the candidate goes on for as long as the runtime lives.
pub struct Leadership {
    leading: watch::Receiver<bool>,
    resign: Arc<Notify>,
    candidate: JoinHandle<()>,
}

impl Lease {
    /// Takes part in the election until [`Leadership::resign`]. No two candidates may have the same identity.
    pub fn campaign(self, identity: String, metrics: Arc<Metrics>) -> Leadership {
        let (leading, watched) = watch::channel(false);
        let resign = Arc::new(Notify::new());
        let candidate = Candidate {
            leases: Api::namespaced(self.client, &self.namespace),
            name: self.name,
            election: Election::new(identity),
            leading,
            metrics,
            last_error: LastError::default(),
        };
        Leadership {
            leading: watched,
            resign: Arc::clone(&resign),
            candidate: tokio::spawn(candidate.run(resign)),
        }
    }
}

impl Leadership {
    /// Whether this replica leads now, and whenever that changes.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// Ends the candidate, and leaves the Lease to the next one.
    pub async fn resign(self) {
        self.resign.notify_one();
        // It has ended, also if it panicked.
        let _ = self.candidate.await;
    }
}

/// A name for this process: a container that is restarted in the same Pod is another candidate.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{:016x}", fastrand::u64(..))
}
