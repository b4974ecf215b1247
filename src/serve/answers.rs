//! Answers to reviews: at once by what is remembered, and where a wrong answer would do harm, again by
//! what the API server says now. What cannot be read again is never the reason of a refusal.

use std::sync::Arc;

use super::deadline::Deadline;
use crate::api::events::Events;
use crate::cluster::Cluster;
use crate::decide::Evidence;
use crate::live::{ClusterHandle, Reader};
use crate::metrics::Metrics;
use crate::model::{Kind, Object, Status};
use crate::review::{self, Answer, BadRequest, Endpoint, Undecided};
use crate::settings::Settings;

/// What reviews are answered by.
#[derive(Clone)]
pub struct Answers {
    pub cluster: ClusterHandle,
    pub settings: Arc<Settings>,
    /// Of a live cluster; manifests are read whole.
    pub(super) reader: Option<Reader>,
    pub(super) events: Option<Events>,
    pub(super) metrics: Arc<Metrics>,
}

impl Answers {
    /// Answers by a cluster that is always as it is remembered.
    pub fn of_manifests(cluster: ClusterHandle, settings: Settings, metrics: Arc<Metrics>) -> Self {
        Self {
            cluster,
            settings: Arc::new(settings),
            reader: None,
            events: None,
            metrics,
        }
    }

    /// The answer, and the cluster that it is by. Reads of the API server end at the deadline.
    pub(super) async fn answer(
        &self,
        body: &[u8],
        endpoint: Endpoint,
        deadline: Deadline,
    ) -> Result<(Answer, Arc<Cluster>), BadRequest> {
        let mut cluster = self.cluster.load_full();
        let Some(reader) = &self.reader else {
            let answer = review::answer(body, endpoint, &cluster, &self.settings)?;
            return Ok((answer, cluster));
        };
        let mut read = Evidence::default();
        for _ in 0..ROUNDS {
            let answer = review::answer(body, endpoint, &cluster, &self.settings)?;
            let unread = answer.outcome.evidence(&cluster).without(&read);
            if unread.is_empty() {
                return Ok((answer, cluster));
            }
            let why = match deadline.bound(reader.read(&unread)).await {
                Some(Ok(fresh)) => {
                    cluster = Arc::new(fresh.lay_over(&cluster));
                    read.extend(unread);
                    continue;
                }
                Some(Err(error)) => {
                    tracing::warn!("what an answer rests on cannot be read again: {error}");
                    Undecided::Unreadable
                }
                None => {
                    tracing::warn!("what an answer rests on cannot be read again in time");
                    Undecided::OutOfTime
                }
            };
            let answer = self.without_reading(body, endpoint, &cluster, &unread, why)?;
            return Ok((answer, cluster));
        }
        Ok((review::undecided(body, Undecided::Changing)?, cluster))
    }

    /// A refusal becomes a warning; a patch keeps what the live object says, and takes nothing from a
    /// status that may be old.
    fn without_reading(
        &self,
        body: &[u8],
        endpoint: Endpoint,
        cluster: &Cluster,
        unread: &Evidence,
        why: Undecided,
    ) -> Result<Answer, BadRequest> {
        if endpoint == Endpoint::Validate {
            return review::undecided(body, why);
        }
        let mut cluster = cluster.clone();
        for key in unread.keys.iter().filter(|key| key.kind == Kind::Rollout) {
            if let Some(Object::Rollout(rollout)) = cluster.get(key) {
                let mut rollout = rollout.clone();
                rollout.status = Status::default();
                cluster.apply(Object::Rollout(rollout));
            }
        }
        review::answer(body, endpoint, &cluster, &self.settings)
    }
}

/// A denial by facts that change as often as they are read is none.
const ROUNDS: usize = 4;
