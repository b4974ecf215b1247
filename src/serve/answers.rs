//! Decides by the watched objects. A denial or a patch is given only once what it rests on has been read again from
//! the API server, and decided again if one of these facts has changed. A fact that cannot be read never denies.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::time::Instant;

use super::answer::{Answer, answer, ended, out_of_time, undecided, unreadable};
use super::deadline::Deadline;
use super::pool::{Lane, Thread};
use super::refusal::Refusal;
use super::review_log::short;
use crate::api::events::Events;
use crate::cluster::Cluster;
use crate::decide::{Decision, Evidence, Undecided, decide};
use crate::live::{AllowQuestion, ClusterHandle, Fresh, Reader};
use crate::metrics::Metrics;
use crate::model::{Body, Kind, Status};
use crate::request::{AllowRight, Phase, Request};
use crate::review::{parse, user_info};
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

/// A decision that is not verified yet.
struct Unverified {
    decision: Decision,
    cluster: Arc<Cluster>,
    /// What has been read from the API server.
    known: Evidence,
    /// What is to be read next.
    unread: Evidence,
    rounds: u32,
    /// The review, of which the user is asked about.
    body: Bytes,
    /// What is to be asked before anything is read.
    question: Option<Box<AllowQuestion>>,
}

/// What the API server has answered.
enum Learned {
    Fresh(Fresh),
    Right(AllowRight),
}

impl Unverified {
    /// Whether it must be decided again.
    fn learn(&mut self, learned: Learned) -> bool {
        match learned {
            Learned::Right(right) => {
                self.decision.request.allow_right = right;
                true
            }
            Learned::Fresh(fresh) => {
                self.known.extend(std::mem::take(&mut self.unread));
                self.rounds += 1;
                let newer = fresh.lay_over(&self.cluster);
                let differs = newer.is_some();
                if let Some(newer) = newer {
                    self.cluster = Arc::new(newer);
                }
                differs
            }
        }
    }
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
            Ok(request) => answers.first(
                Request {
                    controller_seen,
                    trace,
                    ..request
                },
                text,
            ),
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
    fn first(&self, mut request: Request, body: Bytes) -> Step {
        if self.reader.is_some() {
            request.allow_right = AllowRight::Unasked;
        }
        let cluster = self.cluster.load_full();
        let decision = decide(request, &cluster, &self.settings);
        let review = Unverified {
            decision,
            cluster,
            known: Evidence::default(),
            unread: Evidence::default(),
            rounds: 0,
            body,
            question: None,
        };
        self.next(review)
    }

    /// Answers, unless something must be read before.
    fn next(&self, mut review: Unverified) -> Step {
        if review.decision.asks_allow_right() {
            review.question = question(&review.decision, &review.body);
        }
        if self.reader.is_some() {
            let mesh = review.cluster.mesh();
            let denials = 1 << review.rounds;
            review.unread = review.decision.unverified(mesh, &review.known, denials);
        }
        if review.unread.is_empty() && review.question.is_none() {
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
            let learned = async {
                match review.question.take() {
                    Some(question) => {
                        let asked = Box::pin(reader.allow_right(*question));
                        Ok(Learned::Right(asked.await))
                    }
                    None => reads.read(&review.unread).await.map(Learned::Fresh),
                }
            };
            let why = match terms.deadline.bound(learned).await {
                Some(Ok(learned)) => match self.again(review, learned, terms).await {
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

    /// Decides again if what was read is not what was watched, or once the right of the user is known.
    async fn again(&self, mut review: Unverified, learned: Learned, terms: &Terms) -> Step {
        let Some(thread) = terms.thread().await else {
            return Step::Answered(undecided(
                review.decision.into_request(),
                Undecided::OutOfTime,
            ));
        };
        let answers = self.clone();
        let work = move || {
            if review.learn(learned) {
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

/// Whether the user of the review may use the `allow` annotation. A user that cannot be read is one that the API server
/// does not know.
fn question(decision: &Decision, body: &[u8]) -> Option<Box<AllowQuestion>> {
    let write = decision.write.as_ref()?;
    Some(Box::new(AllowQuestion {
        user: user_info(body).unwrap_or_default(),
        object: write.key.clone(),
    }))
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
