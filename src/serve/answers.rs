//! Decides by the watched objects. What a denial or a patch rests on is read again from the API server first, and
//! the decision is made again only if one of these facts has changed. A fact that cannot be read never denies.

use std::sync::Arc;

use super::deadline::Deadline;
use super::review_log::short;
use crate::api::events::Events;
use crate::cluster::Cluster;
use crate::decide::{Decision, Evidence, Undecided, decide};
use crate::live::{ClusterHandle, Reader};
use crate::metrics::Metrics;
use crate::model::{Body, Kind, Status};
use crate::request::Request;
use crate::settings::Settings;

/// If the facts change on every re-read, the write is allowed.
const MAX_ROUNDS: usize = 4;

/// What a review is decided by.
#[derive(Clone)]
pub struct Answers {
    pub cluster: ClusterHandle,
    pub settings: Arc<Settings>,
    /// `None` where manifests take the place of a live cluster.
    pub(super) reader: Option<Reader>,
    pub(super) events: Option<Events>,
    pub(super) metrics: Arc<Metrics>,
}

impl Answers {
    /// Decides by manifests, which are always up to date.
    pub fn of_manifests(cluster: ClusterHandle, settings: Settings, metrics: Arc<Metrics>) -> Self {
        Self {
            cluster,
            settings: Arc::new(settings),
            reader: None,
            events: None,
            metrics,
        }
    }

    /// The decision about a write. Reads of the API server end at the deadline.
    pub(super) async fn decide(&self, request: Request, deadline: Deadline) -> Decision {
        let mut cluster = self.cluster.load_full();
        let mut decision = decide(request, &cluster, &self.settings);
        let Some(reader) = &self.reader else {
            return decision;
        };
        let mut read = Evidence::default();
        for _ in 0..MAX_ROUNDS {
            let unread = decision.evidence(cluster.mesh()).without(&read);
            if unread.is_empty() {
                return decision;
            }
            let why = match deadline.bound(reader.read(&unread)).await {
                Some(Ok(fresh)) => {
                    read.extend(unread);
                    if let Some(newer) = fresh.lay_over(&cluster) {
                        cluster = Arc::new(newer);
                        decision = decide(decision.into_request(), &cluster, &self.settings);
                    }
                    continue;
                }
                Some(Err(error)) => {
                    warn(&decision, &error.to_string());
                    Undecided::Unverifiable
                }
                None => {
                    warn(&decision, "no time is left");
                    Undecided::OutOfTime
                }
            };
            return self.without_reading(decision, &cluster, &unread, why);
        }
        Decision::undecided(decision.into_request(), Undecided::Changing)
    }

    /// A denial becomes a warning; a patch keeps what the live object says, and takes nothing from a status
    /// that may be old.
    fn without_reading(
        &self,
        decision: Decision,
        cluster: &Cluster,
        unread: &Evidence,
        why: Undecided,
    ) -> Decision {
        let request = decision.into_request();
        if request.phase.validates() {
            return Decision::undecided(request, why);
        }
        let mut cluster = cluster.clone();
        for key in unread.keys.iter().filter(|key| key.kind == Kind::Rollout) {
            let Some(mut object) = cluster.get(key).cloned() else {
                continue;
            };
            if let Body::Rollout(rollout) = &mut object.body {
                rollout.status = Status::default();
                cluster.apply(object);
            }
        }
        decide(request, &cluster, &self.settings)
    }
}

fn warn(decision: &Decision, error: &str) {
    let request = &decision.request;
    tracing::warn!(
        kind = &*short(&request.kind_name),
        namespace = &*short(&request.namespace),
        name = &*short(&request.name),
        error,
        "the objects that a decision rests on cannot be read again"
    );
}
