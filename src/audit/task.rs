//! The audit: the leader judges what exists, at start and on change, and tells of what is wrong in metrics and
//! in Events on the Rollouts concerned.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{broadcast, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::backlog::Backlog;
use super::event_throttle::EventThrottle;
use super::topics::topics;
use crate::api::events::{EventError, Events};
use crate::cluster::Cluster;
use crate::decide::Standing;
use crate::health::Readiness;
use crate::live::{ClusterHandle, IndexStep};
use crate::metrics::Metrics;
use crate::settings::Settings;

pub struct Audit {
    pub cluster: ClusterHandle,
    pub steps: broadcast::Sender<Arc<IndexStep>>,
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    pub events: Events,
}

/// What is wrong, and the cluster of which that is true.
struct Round {
    cluster: Arc<Cluster>,
    standing: Standing,
}

impl Audit {
    /// Judges for as long as this replica leads, until the process ends.
    pub async fn run(self, mut leading: watch::Receiver<bool>, readiness: Arc<Readiness>) {
        readiness.until_cluster_is_read().await;
        let mut told = EventThrottle::new(Instant::now());
        while leading.wait_for(|leads| *leads).await.is_ok() {
            tracing::info!("the audit starts");
            let lost = tokio::select! {
                _ = AssertUnwindSafe(self.judge(&mut told)).catch_unwind() => None,
                lost = leading.wait_for(|leads| !*leads) => Some(lost.is_ok()),
            };
            self.metrics.audit.rests();
            match lost {
                Some(true) => {}
                // Nobody leads any more: the process ends.
                Some(false) => return,
                None => {
                    tracing::error!(
                        "a fault of rollout-guard: the audit panicked and starts again soon"
                    );
                    // Reviews go on meanwhile. What it stumbled over may be gone by then.
                    sleep(AFTER_A_FAULT).await;
                }
            }
        }
    }

    /// Judges without end. `None`: the process ends, or judging panicked.
    async fn judge(&self, told: &mut EventThrottle) -> Option<()> {
        // What happens from here on is heard; what was before is in the cluster.
        let mut changes = self.steps.subscribe();
        let mut round = self.judge_all().await?;
        self.report(&round, told);
        let mut backlog = Backlog::default();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Err(broadcast::error::RecvError::Closed) => return None,
                    change => backlog.add(change.ok().as_deref()),
                },
                _ = tick.tick() => {
                    if !backlog.is_empty() {
                        round = self.follow(round, std::mem::take(&mut backlog)).await?;
                        self.report(&round, told);
                    }
                    self.tell(told).await;
                }
            }
        }
    }

    async fn judge_all(&self) -> Option<Round> {
        let (cluster, settings) = (self.cluster.load_full(), Arc::clone(&self.settings));
        let judged = spawn_blocking(move || Round {
            standing: Standing::of(&cluster, &settings),
            cluster,
        });
        judged.await.ok()
    }

    /// What the backlog touches is judged again; all, where it is not known what has changed.
    async fn follow(&self, mut round: Round, backlog: Backlog) -> Option<Round> {
        let Some(changed) = backlog.changed() else {
            return self.judge_all().await;
        };
        let settings = Arc::clone(&self.settings);
        let judged = spawn_blocking(move || {
            let standing = &mut round.standing;
            standing.follow(&changed.before, &changed.after, &changed.keys, &settings);
            round.cluster = changed.after;
            round
        });
        judged.await.ok()
    }

    fn report(&self, round: &Round, told: &mut EventThrottle) {
        self.metrics.audit.stands(&round.standing);
        told.hear(Instant::now(), topics(&round.standing, &round.cluster));
    }

    /// Tells what is due. Where the API server does not answer, the others would not fare better, and all
    /// are tried again soon. What it refuses, as in a namespace with a quota, holds no other up and counts as
    /// told.
    async fn tell(&self, told: &mut EventThrottle) {
        let mut broken = false;
        for (topic, words) in told.due(Instant::now()) {
            let tell = self.events.tell(&topic.rollout, &words);
            broken = broken || tell.await == Err(EventError::Unreachable);
            if broken {
                told.failed(&topic, Instant::now());
            }
        }
    }
}

/// Changes are gathered for as long, and judged at once.
const EVERY: Duration = Duration::from_secs(1);
const AFTER_A_FAULT: Duration = Duration::from_mins(1);
