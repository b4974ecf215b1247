//! The metrics of connections: how many are open, and which were refused.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub struct Connections {
    open: Family<PortLabels, Gauge>,
    evicted: Family<PortLabels, Counter>,
    refused: Family<PortLabels, Counter>,
    refused_handshakes: Family<HandshakeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PortLabels {
    port: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    reason: &'static str,
}

impl Connections {
    pub fn opened(&self, port: &'static str) {
        self.open.get_or_create(&PortLabels { port }).inc();
    }

    pub fn closed(&self, port: &'static str) {
        self.open.get_or_create(&PortLabels { port }).dec();
    }

    /// A connection was closed for a new one.
    pub fn evicted(&self, port: &'static str) {
        self.evicted.get_or_create(&PortLabels { port }).inc();
    }

    /// There was no room for a connection.
    pub fn refused(&self, port: &'static str) {
        self.refused.get_or_create(&PortLabels { port }).inc();
    }

    pub fn refused_handshake(&self, reason: &'static str) {
        let labels = HandshakeLabels { reason };
        self.refused_handshakes.get_or_create(&labels).inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "connections",
            "Open connections, by port",
            self.open.clone(),
        );
        registry.register(
            "evicted_connections",
            "Connections that were closed to make room for a new one, by port",
            self.evicted.clone(),
        );
        registry.register(
            "refused_connections",
            "Connections for which there was no room, by port",
            self.refused.clone(),
        );
        registry.register(
            "refused_handshakes",
            "TLS handshakes that failed, by reason",
            self.refused_handshakes.clone(),
        );
    }
}
