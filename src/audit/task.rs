//! The task that audits while this replica is the leader: at the start all objects, then those that a step of the
//! index touches.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{broadcast, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::backlog::Backlog;
use super::event_throttle::EventThrottle;
use super::pending::PendingSince;
use super::reports::{Publisher, Reports};
use super::topics::topics;
use crate::api::events::{Events, WriteError};
use crate::cluster::Cluster;
use crate::decide::AuditState;
use crate::health::Readiness;
use crate::live::{ClusterHandle, IndexStep};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// Steps of the index are collected for this time and audited at once.
const BATCH_INTERVAL: Duration = Duration::from_secs(1);
const RESTART_DELAY: Duration = Duration::from_mins(1);

pub struct Audit {
    pub cluster: ClusterHandle,
    pub steps: broadcast::Sender<Arc<IndexStep>>,
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    pub events: Events,
    /// `None`: no reports are written.
    pub publisher: Option<Publisher>,
}

/// The audit state of a cluster.
struct Audited {
    cluster: Arc<Cluster>,
    state: AuditState,
}

impl Audit {
    /// Audits while this replica is the leader, until the process ends.
    pub async fn run(self, mut leading: watch::Receiver<bool>, readiness: Arc<Readiness>) {
        readiness.until_cluster_is_read().await;
        let mut throttle = EventThrottle::new(Instant::now());
        while leading.wait_for(|leads| *leads).await.is_ok() {
            tracing::info!("the audit starts");
            let lost = tokio::select! {
                _ = AssertUnwindSafe(self.audit(&mut throttle)).catch_unwind() => None,
                lost = leading.wait_for(|leads| !*leads) => Some(lost.is_ok()),
            };
            self.metrics.audit.clear();
            match lost {
                Some(true) => {}
                // The election has ended: the process ends.
                Some(false) => return,
                None => {
                    tracing::error!(
                        "a fault of rollout-guard: the audit panicked and starts again soon"
                    );
                    // Reviews go on. The object that it panicked on may have changed by then.
                    sleep(RESTART_DELAY).await;
                }
            }
        }
    }

    /// Returns only if the process ends or judging panicked.
    async fn audit(&self, throttle: &mut EventThrottle) -> Option<()> {
        // Subscribes first, so that no step is lost between the two.
        let mut steps = self.steps.subscribe();
        let mut audited = self.audit_all().await?;
        let mut pending = PendingSince::default();
        pending.raise_overdue(&mut audited.state, Instant::now());
        self.report(&audited, throttle);
        let publisher = self.publisher.clone();
        let mut reports = publisher.map(|publisher| Reports::new(publisher, Instant::now()));
        let mut backlog = Backlog::default();
        let mut tick = interval(BATCH_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                step = steps.recv() => match step {
                    Err(broadcast::error::RecvError::Closed) => return None,
                    step => backlog.add(step.ok().as_deref()),
                },
                _ = tick.tick() => {
                    let changed = !backlog.is_empty();
                    if changed {
                        audited = self.follow(audited, std::mem::take(&mut backlog)).await?;
                    }
                    if pending.raise_overdue(&mut audited.state, Instant::now()) || changed {
                        self.report(&audited, throttle);
                    }
                    self.send_events(throttle).await;
                    if let Some(reports) = &mut reports {
                        reports.step(&audited.state, Instant::now()).await;
                    }
                }
            }
        }
    }

    async fn audit_all(&self) -> Option<Audited> {
        let (cluster, settings) = (self.cluster.load_full(), Arc::clone(&self.settings));
        let audited = spawn_blocking(move || Audited {
            state: AuditState::of(&cluster, &settings),
            cluster,
        });
        audited.await.ok()
    }

    /// Audits the objects that the backlog touches; all objects if steps are lost.
    async fn follow(&self, mut audited: Audited, backlog: Backlog) -> Option<Audited> {
        let Some(step) = backlog.into_step() else {
            return self.audit_all().await;
        };
        let settings = Arc::clone(&self.settings);
        let audited = spawn_blocking(move || {
            let state = &mut audited.state;
            state.follow(&step.before, &step.after, &step.keys, &settings);
            audited.cluster = step.after;
            audited
        });
        audited.await.ok()
    }

    fn report(&self, audited: &Audited, throttle: &mut EventThrottle) {
        self.metrics.audit.show(&audited.state);
        throttle.update(Instant::now(), topics(&audited.state, &audited.cluster));
    }

    /// Sends the Events that are due. If the API server does not answer, all are sent again later. An Event that it
    /// refuses, for example because of a quota, counts as sent.
    async fn send_events(&self, throttle: &mut EventThrottle) {
        let mut unreachable = false;
        for (topic, content) in throttle.take_due(Instant::now()) {
            unreachable = unreachable
                || self.events.send(&topic.rollout, &content).await == Err(WriteError::Unreachable);
            if unreachable {
                throttle.failed(&topic, Instant::now());
            }
        }
    }
}
