//! What is counted of the guard's own objects: the Lease, the Secret, the webhook configurations.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub struct Own {
    leader: Gauge,
    rotations: Family<RotationLabels, Counter>,
    rotation_failures: Counter,
    bundle_patches: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotationLabels {
    made: &'static str,
}

impl Own {
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A CA or a serving certificate was made.
    pub fn rotated(&self, made: &'static str) {
        let labels = RotationLabels { made };
        self.rotations.get_or_create(&labels).inc();
    }

    pub fn rotation_failed(&self) {
        self.rotation_failures.inc();
    }

    pub fn bundles_patched(&self, patches: usize) {
        let patches = u64::try_from(patches).unwrap_or(u64::MAX);
        self.bundle_patches.inc_by(patches);
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "leader",
            "Whether this replica holds the Lease",
            self.leader.clone(),
        );
        registry.register(
            "certificate_rotations",
            "CAs and serving certificates made by this replica as leader",
            self.rotations.clone(),
        );
        registry.register(
            "certificate_rotation_failures",
            "Times that the leader could not do what is due with Secret or caBundle",
            self.rotation_failures.clone(),
        );
        registry.register(
            "ca_bundle_patches",
            "Webhook configurations whose caBundle was patched",
            self.bundle_patches.clone(),
        );
    }
}
