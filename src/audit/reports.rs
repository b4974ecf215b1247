//! Publishes the findings as reports, one for each object that has any, and removes the reports of the others.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use kube::Error;
use tokio::time::{Instant, timeout};

use super::report;
use super::topics::is_due;
use crate::api::client::error_message;
use crate::api::discovery::{Discovery, is_absent};
use crate::api::events::WriteError;
use crate::api::reports::{ReportApi, Reports as Client, Subject};
use crate::decide::AuditState;
use crate::last_error::LastError;
use crate::metrics::Metrics;
use crate::model::Key;
use crate::verdict::Finding;

/// Findings are written when two steps have seen them: the objects of an application are applied one by one.
const STEP_INTERVAL: Duration = Duration::from_secs(5);
/// Longer than a step begins to write, so that only a request without an answer reaches it.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_DELAY: Duration = Duration::from_mins(1);
/// After this time all reports are written again, in case somebody has changed them or created their object anew.
const RENEWAL_INTERVAL: Duration = Duration::from_mins(10);
const MAX_REPORTS_PER_STEP: usize = 100;

/// Where the findings are published.
#[derive(Clone)]
pub struct Publisher {
    pub client: Client,
    pub apis: Vec<ReportApi>,
    pub metrics: Arc<Metrics>,
}

/// What one leader knows of the reports.
pub(super) struct Reports {
    publisher: Publisher,
    /// The APIs that the API server serves.
    served: Vec<ReportApi>,
    /// The objects with findings, in the order of their keys.
    reported: Vec<Reported>,
    stale: Vec<(ReportApi, String)>,
    next_step: Instant,
    next_renewal: Instant,
    last_error: LastError,
}

/// An object, with digests of its findings.
struct Reported {
    object: Key,
    /// The findings that the last step has seen.
    seen: u64,
    /// Whether the step before has seen the same.
    settled: bool,
    /// The findings in its report; `None` where it is not known to have one.
    written: Option<u64>,
}

/// How many reports a step may still write, and until when: Events and metrics wait for it.
struct Turns {
    left: usize,
    end: Instant,
}

impl Publisher {
    /// `None` where there is no group to publish in.
    pub fn to(
        groups: &[String],
        client: &kube::Client,
        discovery: &Discovery,
        metrics: &Arc<Metrics>,
    ) -> Option<Self> {
        let apis: Vec<ReportApi> = groups.iter().map(|group| ReportApi::of(group)).collect();
        (!apis.is_empty()).then(|| Self {
            client: Client::new(client.clone(), discovery.clone()),
            apis,
            metrics: Arc::clone(metrics),
        })
    }
}

impl Reports {
    pub fn new(publisher: Publisher, now: Instant) -> Self {
        Self {
            publisher,
            served: Vec::new(),
            reported: Vec::new(),
            stale: Vec::new(),
            next_step: now,
            next_renewal: now,
            last_error: LastError::default(),
        }
    }

    /// Writes what has changed. If the API server does not answer, everything is written again later.
    pub async fn step(&mut self, state: &AuditState, now: Instant) {
        if now < self.next_step {
            return;
        }
        let error = match timeout(STEP_TIMEOUT, self.try_to_step(state, now)).await {
            Ok(Ok(())) => {
                self.next_step = now + STEP_INTERVAL;
                return;
            }
            Ok(Err(error)) => error_message(&error),
            Err(_) => "the API server does not answer".to_owned(),
        };
        self.next_step = now + RETRY_DELAY;
        self.next_renewal = now;
        self.failed(&error);
    }

    /// Stale reports go first, so that none is removed that has just been written.
    async fn try_to_step(&mut self, state: &AuditState, now: Instant) -> Result<(), Error> {
        if now >= self.next_renewal {
            self.begin_renewal(state).await?;
            self.next_renewal = now + RENEWAL_INTERVAL;
        }
        self.compare(state);
        let mut turns = Turns::new();
        while let Some((api, path)) = self.stale.last().cloned() {
            if !turns.next() {
                return Ok(());
            }
            let deleted = self.publisher.client.delete(api, &path).await;
            self.note("deleted", deleted)?;
            self.stale.pop();
        }
        let mut reported = std::mem::take(&mut self.reported);
        for one in &mut reported {
            if one.settled && one.written != Some(one.seen) && turns.next() {
                self.write(&one.object, state).await?;
                one.written = Some(one.seen);
            }
        }
        self.reported = reported;
        Ok(())
    }

    /// Finds out what there is, and has everything written again.
    async fn begin_renewal(&mut self, state: &AuditState) -> Result<(), Error> {
        for reported in &mut self.reported {
            reported.written = None;
        }
        let due = state.findings().filter(|finding| is_due(finding));
        let wanted: BTreeSet<String> = due.map(|finding| report::path(&finding.object)).collect();
        self.served.clear();
        for api in &self.publisher.apis {
            if let Some(mut stored) = self.publisher.client.list(*api).await? {
                self.served.push(*api);
                stored.retain(|path| !wanted.contains(path));
                self.stale
                    .extend(stored.into_iter().map(|path| (*api, path)));
            }
        }
        Ok(())
    }

    /// Sees which objects have which findings now, and which have none any more.
    fn compare(&mut self, state: &AuditState) {
        let mut before = std::mem::take(&mut self.reported).into_iter().peekable();
        let mut gone = Vec::new();
        for (key, findings) in state.by_object() {
            let Some(seen) = digest(findings) else {
                continue;
            };
            gone.extend(std::iter::from_fn(|| {
                before.next_if(|old| old.object < *key)
            }));
            let old = before.next_if(|old| old.object == *key);
            self.reported.push(Reported {
                object: key.clone(),
                seen,
                settled: old.as_ref().is_some_and(|old| old.seen == seen),
                written: old.and_then(|old| old.written),
            });
        }
        gone.extend(before);
        for reported in gone {
            let path = report::path(&reported.object);
            let stale = self.served.iter().map(|api| (*api, path.clone()));
            self.stale.extend(stale);
        }
    }

    async fn write(&mut self, key: &Key, state: &AuditState) -> Result<(), Error> {
        let findings: Vec<&Finding> = state
            .findings_on(key)
            .iter()
            .filter(|finding| is_due(finding))
            .collect();
        let Some([api_version, kind, uid]) = self.publisher.client.subject(key).await? else {
            return Ok(());
        };
        let object = Subject {
            api_version: &api_version,
            kind: &kind,
            namespace: Some(&key.namespace),
            name: &key.name,
            uid: &uid,
        };
        let path = report::path(key);
        for api in self.served.clone() {
            let report = report::report(api, &path, &object, &findings);
            let written = self.publisher.client.apply(api, &report).await;
            self.note("stored", written)?;
        }
        Ok(())
    }

    /// Counts a write. One that the API server refuses does not end the step.
    fn note(&mut self, done: &'static str, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Ok(()) => self.publisher.metrics.audit.report_written(done),
            Err(error) if is_absent(&error) => {}
            Err(error) if WriteError::of(&error) == WriteError::Rejected => {
                self.failed(&error_message(&error));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn failed(&mut self, error: &str) {
        self.publisher.metrics.audit.report_written("failed");
        if self.last_error.is_new(&error) {
            tracing::warn!(error, "a report cannot be written");
        }
    }
}

impl Turns {
    fn new() -> Self {
        Self {
            left: MAX_REPORTS_PER_STEP,
            end: Instant::now() + STEP_INTERVAL,
        }
    }

    fn next(&mut self) -> bool {
        let has_turn = self.left > 0 && Instant::now() < self.end;
        self.left = self.left.saturating_sub(1);
        has_turn
    }
}

/// `None` if none of the findings is due.
fn digest(findings: &[Finding]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let due = findings
        .iter()
        .filter(|finding| is_due(finding))
        .inspect(|finding| {
            (finding.rule.code, finding.severity, &finding.help).hash(&mut hasher);
            finding.message.to_string().hash(&mut hasher);
        });
    let count = due.count();
    (count > 0).then(|| hasher.finish())
}
