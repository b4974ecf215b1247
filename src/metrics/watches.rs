//! What is counted of a live cluster: its watches, and what is read again before an answer.

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
    heard: Family<KindLabels, Gauge>,
    failures: Family<KindLabels, Counter>,
    live_reads: Family<ReadLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabels {
    result: &'static str,
}

impl Watches {
    /// A watch told something of the kind.
    pub fn heard(&self, kind: Kind) {
        let kind = kind.as_str();
        let seconds = seconds_of(SystemTime::now());
        self.heard.get_or_create(&KindLabels { kind }).set(seconds);
    }

    pub fn failed(&self, kind: Kind) {
        let kind = kind.as_str();
        self.failures.get_or_create(&KindLabels { kind }).inc();
    }

    /// A remembered object was read again before an answer.
    pub fn read_live(&self, result: &'static str) {
        self.live_reads.get_or_create(&ReadLabels { result }).inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "watch_last_event_timestamp",
            "When a watch last told something of a kind, since the epoch",
            Unit::Seconds,
            self.heard.clone(),
        );
        registry.register(
            "watch_failures",
            "Watches that broke and were begun again, by kind",
            self.failures.clone(),
        );
        registry.register(
            "live_reads",
            "Remembered objects that were read again before an answer",
            self.live_reads.clone(),
        );
    }
}
