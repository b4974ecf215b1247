//! The metric of `serve --record`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub struct Recordings(Family<Labels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

impl Recordings {
    pub fn stored(&self) {
        self.count("stored");
    }

    pub fn dropped(&self) {
        self.count("dropped");
    }

    pub fn register(&self, registry: &mut Registry) {
        let help = "Reviews that were recorded or could not be, by result";
        registry.register("recordings", help, self.0.clone());
    }

    fn count(&self, result: &'static str) {
        self.0.get_or_create(&Labels { result }).inc();
    }
}
