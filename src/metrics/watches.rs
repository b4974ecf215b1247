//! The metrics of a live cluster: its watches, and the objects that are read again before an answer.

use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::labels::{KindLabels, seconds_of};
use crate::model::Kind;

#[derive(Debug, Default)]
pub struct Watches {
    last_events: Family<KindLabels, Gauge>,
    failures: Family<KindLabels, Counter>,
    live_reads: Family<ReadLabels, Counter>,
    allow_rights: Family<ReadLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabels {
    result: &'static str,
}

impl Watches {
    /// A watch of this kind received an event.
    pub fn event_received(&self, kind: Kind) {
        let kind = kind.as_str();
        let seconds = seconds_of(SystemTime::now());
        self.last_events
            .get_or_create(&KindLabels { kind })
            .set(seconds);
    }

    /// A watch of this kind broke.
    pub fn failed(&self, kind: Kind) {
        let kind = kind.as_str();
        self.failures.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts an object that was read again before an answer, by result.
    pub fn read_live(&self, result: &'static str) {
        self.live_reads.get_or_create(&ReadLabels { result }).inc();
    }

    /// Counts a question whether a user may use the `allow` annotation, by result.
    pub fn asked_allow_right(&self, result: &'static str) {
        self.allow_rights
            .get_or_create(&ReadLabels { result })
            .inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "watch_last_event_timestamp",
            "When a watch last received an event of a kind, since the epoch",
            Unit::Seconds,
            self.last_events.clone(),
        );
        registry.register(
            "watch_failures",
            "Watches that broke and started again, by kind",
            self.failures.clone(),
        );
        registry.register(
            "live_reads",
            "Objects that were read again before an answer, by result",
            self.live_reads.clone(),
        );
        registry.register(
            "allow_rights",
            "Questions whether a user may use the allow annotation, by result",
            self.allow_rights.clone(),
        );
    }
}
