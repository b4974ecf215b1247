//! Decides by the watched objects. A denial or a patch is given only once what it rests on has been read again from
//! the API server, and decided again if one of these facts has changed. A fact that cannot be read never denies.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::pool::{Lane, Thread};
use super::refusal::Refusal;
use super::review_log::short;
use crate::api::events::Events;
use crate::cluster::Cluster;
use crate::decide::{Decision, Evidence, Undecided, decide};
use crate::live::{ClusterHandle, Fresh, Reader};
use crate::metrics::Metrics;
use crate::model::{Body, Kind, Status};
use crate::request::{Phase, Request};
use crate::review::{BadRequest, allow_unread, parse, render};
use crate::settings::Settings;

/// If the facts of each denial turn out to have changed so many times, the write is allowed. Each round reads for
/// twice as many denials as the one before, so that in the end all are read.
const MAX_ROUNDS: u32 = 8;

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

/// A review that gets no memory or no thread is read no further, for its uid.
pub(super) const START_BYTES: usize = 4 << 10;

/// When a review arrived, by when it must be answered, and where it may be decided.
pub(super) struct Terms {
    pub phase: Phase,
    pub arrived: Instant,
    pub deadline: Deadline,
    pub lane: Lane,
    /// See [`Request::controller_seen`].
    pub controller_seen: bool,
    /// Whether the objects that were read are wanted.
    pub trace: bool,
}

/// A decision, and the bytes that tell it.
pub(super) struct Answer {
    pub decision: Decision,
    pub bytes: Vec<u8>,
}

/// A decision that is not verified yet.
struct Unverified {
    decision: Decision,
    cluster: Arc<Cluster>,
    /// What has been read from the API server.
    known: Evidence,
    /// What is to be read next.
    unread: Evidence,
    rounds: u32,
}

/// A review after some work on it.
enum Step {
    Answered(Result<Answer, Refusal>),
    Unverified(Unverified),
}

impl Step {
    fn ended() -> Self {
        Self::Answered(Err(ended()))
    }
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

    /// The answer to the review in the body. Waiting for a thread and reading the API server end at the deadline.
    pub(super) async fn answer(&self, body: Bytes, terms: &Terms) -> Result<Answer, Refusal> {
        let (phase, trace, controller_seen) = (terms.phase, terms.trace, terms.controller_seen);
        let (answers, text) = (self.clone(), body.clone());
        let begin = move || match parse(&text, phase) {
            Ok(request) => answers.first(Request {
                controller_seen,
                trace,
                ..request
            }),
            Err(error) => Step::Answered(unreadable(&error, phase)),
        };
        let Some(thread) = terms.thread().await else {
            return out_of_time(&body, phase);
        };
        match thread.run(begin).await.unwrap_or_else(Step::ended) {
            Step::Answered(answer) => answer,
            Step::Unverified(review) => self.verify(review, terms).await,
        }
    }

    /// Decides by what is watched.
    fn first(&self, request: Request) -> Step {
        let cluster = self.cluster.load_full();
        let decision = decide(request, &cluster, &self.settings);
        let review = Unverified {
            decision,
            cluster,
            known: Evidence::default(),
            unread: Evidence::default(),
            rounds: 0,
        };
        self.next(review)
    }

    /// Answers, unless something must be read before.
    fn next(&self, mut review: Unverified) -> Step {
        if self.reader.is_some() {
            let mesh = review.cluster.mesh();
            let denials = 1 << review.rounds;
            review.unread = review.decision.unverified(mesh, &review.known, denials);
        }
        if review.unread.is_empty() {
            return Step::Answered(answer(review.decision));
        }
        Step::Unverified(review)
    }

    async fn verify(&self, mut review: Unverified, terms: &Terms) -> Result<Answer, Refusal> {
        let Some(reader) = &self.reader else {
            return answer(review.decision);
        };
        let mut reads = reader.for_review(terms.arrived);
        while review.rounds < MAX_ROUNDS {
            let why = match terms.deadline.bound(reads.read(&review.unread)).await {
                Some(Ok(fresh)) => match self.again(review, fresh, terms).await {
                    Step::Unverified(next) => {
                        review = next;
                        continue;
                    }
                    Step::Answered(answer) => return answer,
                },
                Some(Err(error)) => {
                    warn(&review.decision, &error.to_string());
                    Undecided::Unverifiable
                }
                None => {
                    warn(&review.decision, "no time is left");
                    Undecided::OutOfTime
                }
            };
            return self.without_reading(review, why, terms).await;
        }
        undecided(review.decision.into_request(), Undecided::Changing)
    }

    /// Decides again if what was read is not what was watched.
    async fn again(&self, mut review: Unverified, fresh: Fresh, terms: &Terms) -> Step {
        let Some(thread) = terms.thread().await else {
            return Step::Answered(undecided(
                review.decision.into_request(),
                Undecided::OutOfTime,
            ));
        };
        let answers = self.clone();
        let work = move || {
            review.known.extend(std::mem::take(&mut review.unread));
            review.rounds += 1;
            if let Some(newer) = fresh.lay_over(&review.cluster) {
                review.cluster = Arc::new(newer);
                let request = review.decision.into_request();
                review.decision = decide(request, &review.cluster, &answers.settings);
            }
            answers.next(review)
        };
        thread.run(work).await.unwrap_or_else(Step::ended)
    }

    /// A denial becomes a warning; a patch keeps what the live object says, and takes nothing from a status
    /// that may be old.
    async fn without_reading(
        &self,
        review: Unverified,
        why: Undecided,
        terms: &Terms,
    ) -> Result<Answer, Refusal> {
        let request = review.decision.into_request();
        if request.phase.validates() {
            return undecided(request, why);
        }
        let Some(thread) = terms.thread().await else {
            return undecided(request, why);
        };
        let settings = Arc::clone(&self.settings);
        let work = move || {
            let cluster = without_statuses(&review.cluster, &review.unread);
            answer(decide(request, &cluster, &settings))
        };
        thread.run(work).await.unwrap_or_else(|| Err(ended()))
    }
}

impl Terms {
    /// `None`: the time is over.
    async fn thread(&self) -> Option<Thread> {
        self.deadline.bound(self.lane.thread()).await.flatten()
    }
}

/// The answer to a review of which no more than the beginning may be read in time.
pub(super) fn out_of_time(body: &[u8], phase: Phase) -> Result<Answer, Refusal> {
    let start = body.get(..START_BYTES).unwrap_or(body);
    let decision = match parse(start, phase) {
        Ok(request) => Some(Decision::undecided(request, Undecided::OutOfTime)),
        Err(error) => allow_unread(&error, phase, Undecided::OutOfTime),
    };
    decision.map_or_else(|| Err(no_time()), answer)
}

fn no_time() -> Refusal {
    let reason = "no time was left to read the review".to_owned();
    Refusal(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// A review that cannot be read is answered if it has a uid.
fn unreadable(error: &BadRequest, phase: Phase) -> Result<Answer, Refusal> {
    let reason = error.to_string();
    let Some(decision) = allow_unread(error, phase, Undecided::Unreadable) else {
        return Err(Refusal(StatusCode::BAD_REQUEST, reason));
    };
    tracing::warn!(
        error = &*short(&reason),
        "a review cannot be read: it is allowed"
    );
    answer(decision)
}

fn undecided(request: Request, why: Undecided) -> Result<Answer, Refusal> {
    answer(Decision::undecided(request, why))
}

fn answer(mut decision: Decision) -> Result<Answer, Refusal> {
    let bytes = render(&decision)?;
    // They can be large, and nobody needs them any more.
    decision.request.object = Value::Null;
    decision.request.old_object = Value::Null;
    Ok(Answer { decision, bytes })
}

fn ended() -> Refusal {
    let reason = "the process ends".to_owned();
    Refusal(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// The cluster, in which the unread Rollouts have no status.
fn without_statuses(cluster: &Cluster, unread: &Evidence) -> Cluster {
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
    cluster
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
