//! The metrics of the leader: the Lease, the certificates and the webhook configurations that it writes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub struct Leader {
    holds_lease: Gauge,
    rotations: Family<RotationLabels, Counter>,
    rotation_failures: Counter,
    bundle_patches: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotationLabels {
    made: &'static str,
}

impl Leader {
    /// Whether this replica is the leader now.
    pub fn leads(&self, leads: bool) {
        self.holds_lease.set(i64::from(leads));
    }

    /// Counts a new `ca` or serving certificate.
    pub fn rotated(&self, made: &'static str) {
        let labels = RotationLabels { made };
        self.rotations.get_or_create(&labels).inc();
    }

    /// Counts an attempt to write the Secret or a caBundle that failed.
    pub fn rotation_failed(&self) {
        self.rotation_failures.inc();
    }

    /// Counts webhook configurations whose caBundle was patched.
    pub fn bundles_patched(&self, patches: usize) {
        let patches = u64::try_from(patches).unwrap_or(u64::MAX);
        self.bundle_patches.inc_by(patches);
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "leader",
            "Whether this replica holds the Lease",
            self.holds_lease.clone(),
        );
        registry.register(
            "certificate_rotations",
            "CAs and serving certificates that this replica made as the leader",
            self.rotations.clone(),
        );
        registry.register(
            "certificate_rotation_failures",
            "Attempts of the leader to write the Secret or a caBundle that failed",
            self.rotation_failures.clone(),
        );
        registry.register(
            "ca_bundle_patches",
            "Webhook configurations whose caBundle was patched",
            self.bundle_patches.clone(),
        );
    }
}
