//! The audit: the leader judges what exists, at start and on change, and tells of what is wrong in metrics and
//! in Events on the Rollouts concerned.

mod backlog;
mod told;
mod topics;

pub(super) use topics::concerned;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::backlog::Backlog;
use self::told::Told;
use self::topics::topics;
use super::admin::Readiness;
use super::events::Events;
use super::live::Changed;
use super::{ClusterHandle, Metrics};
use crate::admit::Standing;
use crate::cluster::Cluster;
use crate::settings::Settings;

pub(super) struct Audit {
    pub cluster: ClusterHandle,
    pub changes: broadcast::Sender<Arc<Changed>>,
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
        while leading.wait_for(|leads| *leads).await.is_ok() {
            tracing::info!("the audit begins");
            let ended = tokio::select! {
                // It cannot go on; reviews can, and are worth more.
                _ = self.judge() => true,
                lost = leading.wait_for(|leads| !*leads) => lost.is_err(),
            };
            self.metrics.audit.rests();
            if ended {
                return;
            }
        }
    }

    /// Judges without end. `None`: the process ends, or judging panicked.
    async fn judge(&self) -> Option<()> {
        // What happens from here on is heard; what was before is in the cluster.
        let mut changes = self.changes.subscribe();
        let mut round = self.judge_all().await?;
        let mut told = Told::new(Instant::now());
        self.report(&round, &mut told);
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
                        self.report(&round, &mut told);
                    }
                    self.tell(&mut told).await;
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
        finished(judged.await)
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
        finished(judged.await)
    }

    fn report(&self, round: &Round, told: &mut Told) {
        self.metrics.audit.stands(&round.standing);
        told.hear(Instant::now(), topics(&round.standing, &round.cluster));
    }

    /// Tells what is due. Where one Event cannot be made, the others would not fare better.
    async fn tell(&self, told: &mut Told) {
        let mut broken = false;
        for (topic, words) in told.due(Instant::now()) {
            broken = broken || self.events.tell(&topic.rollout, &words).await.is_err();
            if broken {
                told.failed(&topic, Instant::now());
            }
        }
    }
}

/// What a blocking task gave.
fn finished<T>(joined: Result<T, tokio::task::JoinError>) -> Option<T> {
    let finished = joined.inspect_err(|error| {
        if error.is_panic() {
            tracing::error!("a fault of rollout-guard: the audit panicked, and judges no more");
        }
    });
    finished.ok()
}

/// Changes are gathered for as long, and judged at once.
const EVERY: Duration = Duration::from_secs(1);
